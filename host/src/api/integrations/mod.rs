//! `/v1/integrations`: connections to accounts. Secrets go in and never come out.

mod answer;
mod credential_body;
mod rotate;

use super::check::Checks;
use super::extract::{JsonBody, PathId, QueryOf, present};
use super::list::PageQuery;
use super::rotation::check_secret;
use super::seal::seal_secret;
use super::{AppState, Problem, Tenant};
use crate::clock;
use crate::credentials::seal;
use crate::domain::IntegrationId;
use crate::domain::integration::{Integration, IntegrationStatus};
use crate::secret::Secret;
use crate::store::{CredentialChange, IntegrationPatch, NewIntegration, Page, Signal};
use answer::{IntegrationAnswer, IntegrationItem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use credential_body::{CredentialBody, Wanted, object, object_or_null};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_integration, list_integrations))
        .routes(routes!(
            get_integration,
            update_integration,
            delete_integration
        ))
        .routes(routes!(rotate::rotate_integration_secret))
}

/// An integration to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewIntegration)]
struct Creation {
    /// The provider: registered and switched on.
    provider: String,
    /// For people: 1 to 200 characters.
    name: Option<String>,
    /// The id of the connection at whoever manages it: 1 to 512 characters.
    connection_id: Option<String>,
    /// The account at the service (an installation, a workspace), by which
    /// app-level deliveries find the integration: 1 to 512 characters.
    account: Option<String>,
    /// The webhook secret: 1 to 1024 bytes. Never shown again.
    #[schema(value_type = Option<String>, write_only)]
    secret: Option<Secret>,
    /// With what its service is polled. Never shown again.
    #[serde(default, deserialize_with = "object")]
    #[schema(write_only)]
    credential: Option<CredentialBody>,
}

/// What may change about an integration; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IntegrationChange)]
struct Change {
    /// For people: 1 to 200 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// The id of the connection: 1 to 512 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    connection_id: Option<String>,
    /// The account: 1 to 512 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    account: Option<String>,
    /// Whether its deliveries start runs: active or suspended. The other statuses
    /// are for the service to set.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    status: Option<IntegrationStatus>,
    /// A webhook secret that replaces those before: 1 to 1024 bytes.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, nullable = false, required = false, write_only)]
    secret: Option<Secret>,
    /// A credential that replaces the one before, and lifts a status that was its
    /// fault; null removes it.
    #[serde(default, deserialize_with = "object_or_null")]
    #[schema(value_type = Option<CredentialBody>, required = false, write_only)]
    credential: Option<Option<CredentialBody>>,
}

fn found(
    state: &AppState,
    integration: Option<Integration>,
) -> Result<Json<IntegrationAnswer>, Problem> {
    integration
        .map(|integration| Json(IntegrationAnswer::new(state, integration)))
        .ok_or_else(|| Problem::not_found("integration"))
}

fn check_status(checks: &mut Checks, status: Option<IntegrationStatus>) {
    match status {
        None | Some(IntegrationStatus::Active | IntegrationStatus::Suspended) => {}
        Some(
            IntegrationStatus::Error | IntegrationStatus::NeedsReauth | IntegrationStatus::Deleted,
        ) => {
            checks.add("/status", "expected active or suspended");
        }
    }
}

/// Create an integration
#[utoipa::path(post, path = "/v1/integrations", tag = "integrations", request_body = Creation,
    responses(
        (status = CREATED, description = "Created", body = IntegrationAnswer),
        (status = CONFLICT, description = "The account or connection belongs to another",
            body = Problem, content_type = "application/problem+json")))]
async fn create_integration(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    JsonBody(new): JsonBody<Creation>,
) -> Result<(StatusCode, Json<IntegrationAnswer>), Problem> {
    let mut checks = Checks::default();
    checks.provider(state.registry(), &new.provider);
    check_secret(&mut checks, new.secret.as_ref());
    let name = new.name.map(|name| checks.name("/name", &name));
    let connection_id = new
        .connection_id
        .map(|text| checks.reference("/connection_id", &text));
    let account = new.account.map(|text| checks.reference("/account", &text));
    let wanted = Wanted {
        provider: &new.provider,
        has_connection: connection_id.is_some(),
    };
    let credential = new
        .credential
        .and_then(|body| body.check(&mut checks, state.config(), wanted));
    checks.done()?;
    let id = IntegrationId::new();
    let new = NewIntegration {
        id,
        credential: credential.map(|credential| seal(state.master_key(), id, &credential)),
        provider: new.provider,
        name,
        connection_id,
        account,
        secret: new
            .secret
            .map(|secret| seal_secret(state.master_key(), &secret)),
    };
    let store = state.store();
    let integration = store.create_integration(&org, &new, clock::now()).await?;
    state.signals().raise(Signal::Routes);
    let answer = IntegrationAnswer::new(&state, integration);
    Ok((StatusCode::CREATED, Json(answer)))
}

/// List integrations
#[utoipa::path(get, path = "/v1/integrations", tag = "integrations", params(PageQuery),
    responses((status = OK, description = "Newest first", body = Page<IntegrationItem>)))]
async fn list_integrations(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<IntegrationItem>>, Problem> {
    let store = state.store();
    let integrations = store.list_integrations(&org, query.page()).await?;
    Ok(Json(integrations.map(|integration| {
        IntegrationItem::new(&state, integration)
    })))
}

/// Get an integration
#[utoipa::path(get, path = "/v1/integrations/{id}", tag = "integrations",
    params(("id" = IntegrationId, Path)),
    responses((status = OK, description = "The integration", body = IntegrationAnswer)))]
async fn get_integration(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<IntegrationId>,
) -> Result<Json<IntegrationAnswer>, Problem> {
    let integration = state.store().integration(&org, id).await?;
    found(&state, integration)
}

/// Change an integration
#[utoipa::path(patch, path = "/v1/integrations/{id}", tag = "integrations",
    params(("id" = IntegrationId, Path)), request_body = Change,
    responses(
        (status = OK, description = "Changed", body = IntegrationAnswer),
        (status = CONFLICT, description = "The account or connection belongs to another",
            body = Problem, content_type = "application/problem+json")))]
async fn update_integration(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<IntegrationId>,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<IntegrationAnswer>, Problem> {
    let mut checks = Checks::default();
    check_secret(&mut checks, change.secret.as_ref());
    check_status(&mut checks, change.status);
    let store = state.store();
    let credential = match change.credential {
        Some(Some(body)) => {
            let before = store.integration(&org, id).await?;
            let before = before.ok_or_else(|| Problem::not_found("integration"))?;
            let wanted = Wanted {
                provider: &before.provider,
                has_connection: before.connection_id.is_some() || change.connection_id.is_some(),
            };
            let credential = body.check(&mut checks, state.config(), wanted);
            credential
                .map(|credential| seal(state.master_key(), id, &credential))
                .map(CredentialChange::Replace)
        }
        Some(None) => Some(CredentialChange::Remove),
        None => None,
    };
    let patch = IntegrationPatch {
        name: change.name.map(|name| checks.name("/name", &name)),
        connection_id: change
            .connection_id
            .map(|text| checks.reference("/connection_id", &text)),
        account: change
            .account
            .map(|text| checks.reference("/account", &text)),
        status: change.status,
        secret: change
            .secret
            .map(|secret| seal_secret(state.master_key(), &secret)),
        credential,
    };
    checks.done()?;
    let integration = store
        .update_integration(&org, id, &patch, clock::now())
        .await?;
    state.signals().raise(Signal::Routes);
    // It may be polled again, or with something else.
    state.signals().raise(Signal::Polls);
    found(&state, integration)
}

/// Delete an integration
///
/// Its triggers see only what comes to their own URL then.
#[utoipa::path(delete, path = "/v1/integrations/{id}", tag = "integrations",
    params(("id" = IntegrationId, Path)),
    responses((status = NO_CONTENT, description = "Deleted")))]
async fn delete_integration(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<IntegrationId>,
) -> Result<StatusCode, Problem> {
    let store = state.store();
    if !store.delete_integration(&org, id, clock::now()).await? {
        return Err(Problem::not_found("integration"));
    }
    state.signals().raise(Signal::Routes);
    Ok(StatusCode::NO_CONTENT)
}
