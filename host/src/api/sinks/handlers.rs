//! Creates, reads, changes and deletes sinks.

use super::body::{Change, Creation};
use crate::api::check::Checks;
use crate::api::extract::{JsonBody, PathId, QueryOf};
use crate::api::found::Found as _;
use crate::api::list::PageQuery;
use crate::api::{AppState, Problem, Tenant, seal_secret};
use crate::clock;
use crate::domain::sink::{Sink, SinkKind};
use crate::domain::{OrgId, SinkId};
use crate::secret::{Secret, generate_sink_secret};
use crate::store::{NewSink, Page, SinkPatch};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// A sink with its new secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SinkWithSecret {
    pub(super) sink: Sink,
    /// The secret that signs requests, by Standard Webhooks. It is shown only once; null
    /// for a Redis sink, which has none.
    pub(super) secret: Option<String>,
}

/// The sink, or 404.
pub(super) async fn sink(state: &AppState, org: &OrgId, id: SinkId) -> Result<Sink, Problem> {
    let sink = state.store().sink(org, id, clock::now());
    sink.await?.or_404("sink")
}

/// Create a sink
///
/// From now on messages are sent to the sink, including those that already wait.
#[utoipa::path(post, path = "/v1/sinks", tag = "sinks", request_body = Creation,
    responses(
        (status = CREATED, description = "Created", body = SinkWithSecret),
        (status = CONFLICT, description = "The organization has a sink, or the stream belongs \
            to another organization")))]
pub(super) async fn create_sink(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    JsonBody(new): JsonBody<Creation>,
) -> Result<(StatusCode, Json<SinkWithSecret>), Problem> {
    let mut checks = Checks::default();
    let address = new.check(&mut checks, state.config());
    checks.done()?;
    // An address that failed its check has added an error above.
    let address = address.ok_or_else(Problem::internal)?;
    let secret = match address.kind() {
        SinkKind::Http => Some(generate_sink_secret()),
        SinkKind::Redis => None,
    };
    let seal = |secret: &Secret| seal_secret(state.master_key(), secret);
    let new = NewSink {
        id: SinkId::new(),
        address,
        secret: secret.as_ref().map(seal),
    };
    state.store().create_sink(&org, &new, clock::now()).await?;
    let answer = SinkWithSecret {
        sink: sink(&state, &org, new.id).await?,
        secret: secret.map(|secret| secret.expose().to_owned()),
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// List sinks
///
/// An organization has at most one sink.
#[utoipa::path(get, path = "/v1/sinks", tag = "sinks", params(PageQuery),
    responses((status = OK, description = "Newest first", body = Page<Sink>)))]
pub(super) async fn list_sinks(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<Sink>>, Problem> {
    let sinks = state.store().list_sinks(&org, query.page(), clock::now());
    Ok(Json(sinks.await?))
}

/// Get a sink
///
/// Its `health` shows the state of the circuit breaker and the last error.
#[utoipa::path(get, path = "/v1/sinks/{id}", tag = "sinks", params(("id" = SinkId, Path)),
    responses((status = OK, description = "The sink", body = Sink)))]
pub(super) async fn get_sink(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<SinkId>,
) -> Result<Json<Sink>, Problem> {
    Ok(Json(sink(&state, &org, id).await?))
}

/// Change a sink
///
/// Closes the circuit: unsent messages are sent to the new address at once. A disabled
/// sink leaves its messages to consumers that claim them.
#[utoipa::path(patch, path = "/v1/sinks/{id}", tag = "sinks", params(("id" = SinkId, Path)),
    request_body = Change,
    responses((status = OK, description = "Changed", body = Sink)))]
pub(super) async fn update_sink(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<SinkId>,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<Sink>, Problem> {
    let before = sink(&state, &org, id).await?;
    let mut checks = Checks::default();
    let patch = SinkPatch {
        url: change.check_url(&mut checks, state.config(), before.address.kind()),
        enabled: change.enabled,
    };
    checks.done()?;
    let changed = state.store().update_sink(&org, id, &patch, clock::now());
    changed.await?.or_404("sink")?;
    Ok(Json(sink(&state, &org, id).await?))
}

/// Delete a sink
///
/// Unsent messages wait for consumers, or for the next sink.
#[utoipa::path(delete, path = "/v1/sinks/{id}", tag = "sinks", params(("id" = SinkId, Path)),
    responses((status = NO_CONTENT, description = "Deleted")))]
pub(super) async fn delete_sink(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<SinkId>,
) -> Result<StatusCode, Problem> {
    let deleted = state.store().delete_sink(&org, id);
    deleted.await?.or_404("sink")?;
    Ok(StatusCode::NO_CONTENT)
}
