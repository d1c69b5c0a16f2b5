//! Creates, reads, changes and deletes integrations.

use super::answer::{CreatedIntegration, IntegrationAnswer};
use super::body::{Change, Creation};
use super::credential_body::Wanted;
use crate::api::check::Checks;
use crate::api::extract::{JsonBody, PathId, QueryOf};
use crate::api::found::Found as _;
use crate::api::list::PageQuery;
use crate::api::seal::seal_secret;
use crate::api::{AppState, Problem, Tenant};
use crate::clock;
use crate::credentials::seal;
use crate::domain::IntegrationId;
use crate::domain::patch::Patch;
use crate::store::{IntegrationPatch, NewIntegration, Page};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

/// Create an integration
#[utoipa::path(post, path = "/v1/integrations", tag = "integrations", request_body = Creation,
    responses(
        (status = CREATED, description = "Created", body = CreatedIntegration),
        (status = CONFLICT, description = "Another integration has the account or connection")))]
pub(super) async fn create_integration(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    JsonBody(body): JsonBody<Creation>,
) -> Result<(StatusCode, Json<CreatedIntegration>), Problem> {
    let mut checks = Checks::default();
    checks.provider(state.registry(), &body.provider);
    if let Some(secret) = &body.secret {
        secret.check(&mut checks);
    }
    let name = body.name.map(|name| name.check(&mut checks, "/name"));
    let connection_id = body
        .connection_id
        .map(|text| text.check(&mut checks, "/connection_id"));
    let provider_config_key = body
        .provider_config_key
        .map(|text| text.check(&mut checks, "/provider_config_key"));
    let account = body.account.map(|text| text.check(&mut checks, "/account"));
    let wanted = Wanted {
        provider: &body.provider,
        has_connection: connection_id.is_some(),
        provider_config_key: provider_config_key.as_deref(),
    };
    let credential = body
        .credential
        .and_then(|body| body.check(&mut checks, state.config(), wanted));
    checks.done()?;
    let key = state.master_key();
    let id = IntegrationId::new();
    let new = NewIntegration {
        id,
        credential: credential.map(|credential| seal(key, id, &credential)),
        provider: body.provider,
        name,
        connection_id,
        provider_config_key,
        account,
        secret: body
            .secret
            .map(|secret| seal_secret(key, &secret.into_secret())),
    };
    let store = state.store();
    let integration = store.create_integration(&org, &new, clock::now()).await?;
    let answer = IntegrationAnswer::new(&state, integration);
    Ok((StatusCode::CREATED, Json(answer.created())))
}

/// List integrations
#[utoipa::path(get, path = "/v1/integrations", tag = "integrations", params(PageQuery),
    responses((status = OK, description = "Newest first", body = Page<IntegrationAnswer>)))]
pub(super) async fn list_integrations(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<IntegrationAnswer>>, Problem> {
    let store = state.store();
    let integrations = store.list_integrations(&org, query.page()).await?;
    let answer = |integration| IntegrationAnswer::new(&state, integration);
    Ok(Json(integrations.map(answer)))
}

/// Get an integration
#[utoipa::path(get, path = "/v1/integrations/{id}", tag = "integrations",
    params(("id" = IntegrationId, Path)),
    responses((status = OK, description = "The integration", body = IntegrationAnswer)))]
pub(super) async fn get_integration(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<IntegrationId>,
) -> Result<Json<IntegrationAnswer>, Problem> {
    let integration = state.store().integration(&org, id).await?;
    let integration = integration.or_404("integration")?;
    Ok(Json(IntegrationAnswer::new(&state, integration)))
}

/// Change an integration
#[utoipa::path(patch, path = "/v1/integrations/{id}", tag = "integrations",
    params(("id" = IntegrationId, Path)), request_body = Change,
    responses(
        (status = OK, description = "Changed", body = IntegrationAnswer),
        (status = CONFLICT, description = "Another integration has the account or connection")))]
pub(super) async fn update_integration(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<IntegrationId>,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<IntegrationAnswer>, Problem> {
    let mut checks = Checks::default();
    if let Some(secret) = &change.secret {
        secret.check(&mut checks);
    }
    let status = change.status.map(|status| status.check(&mut checks));
    let provider_config_key = change
        .provider_config_key
        .map(|text| text.check(&mut checks, "/provider_config_key"));
    let (store, key) = (state.store(), state.master_key());
    let credential = match change.credential {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(body) => {
            let before = store.integration(&org, id).await?.or_404("integration")?;
            let wanted = Wanted {
                provider: &before.provider,
                has_connection: before.connection_id.is_some() || change.connection_id.is_some(),
                provider_config_key: provider_config_key
                    .as_deref()
                    .or(before.provider_config_key.as_deref()),
            };
            match body.check(&mut checks, state.config(), wanted) {
                Some(credential) => Patch::Set(seal(key, id, &credential)),
                // The check has added an error.
                None => Patch::Keep,
            }
        }
    };
    let patch = IntegrationPatch {
        name: change.name.map(|name| name.check(&mut checks, "/name")),
        connection_id: change
            .connection_id
            .map(|text| text.check(&mut checks, "/connection_id")),
        provider_config_key,
        account: change
            .account
            .map(|text| text.check(&mut checks, "/account")),
        status,
        secret: change
            .secret
            .map(|secret| seal_secret(key, &secret.into_secret())),
        credential,
    };
    checks.done()?;
    let changed = store.update_integration(&org, id, &patch, clock::now());
    let integration = changed.await?.or_404("integration")?;
    Ok(Json(IntegrationAnswer::new(&state, integration)))
}

/// Delete an integration
///
/// Its triggers stay. They still get the deliveries to their own URLs.
#[utoipa::path(delete, path = "/v1/integrations/{id}", tag = "integrations",
    params(("id" = IntegrationId, Path)),
    responses((status = NO_CONTENT, description = "Deleted")))]
pub(super) async fn delete_integration(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<IntegrationId>,
) -> Result<StatusCode, Problem> {
    let store = state.store();
    let deleted = store.delete_integration(&org, id, clock::now());
    deleted.await?.or_404("integration")?;
    Ok(StatusCode::NO_CONTENT)
}
