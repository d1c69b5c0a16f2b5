//! `/v1/sinks`: where an organization's messages are sent. It has one sink at most;
//! without one that is switched on, consumers claim its messages.

mod place;
mod rotate;

use super::check::Checks;
use super::extract::{JsonBody, PathId, QueryOf, present};
use super::list::PageQuery;
use super::{AppState, Problem, Tenant, seal_secret};
use crate::clock;
use crate::domain::sink::{Sink, SinkKind};
use crate::domain::{OrgId, SinkId};
use crate::secret::generate_sink_secret;
use crate::store::{NewSink, NewSinkPlace, Page, Signal, SinkPatch};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use place::{check_stream, check_url};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_sink, list_sinks))
        .routes(routes!(get_sink, update_sink, delete_sink))
        .routes(routes!(rotate::rotate_sink_secret))
}

/// A sink to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSink)]
struct Creation {
    /// How it is reached.
    kind: SinkKind,
    /// Of an HTTP sink: a public https URL, of 1 to 2048 characters.
    url: Option<String>,
    /// Of a Redis sink: the stream's key, of 1 to 200 characters without blanks.
    stream: Option<String>,
}

/// What may change about a sink; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SinkChange)]
struct Change {
    /// Of an HTTP sink: a public https URL, of 1 to 2048 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    url: Option<String>,
    /// Whether messages are sent.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
}

/// A sink.
#[derive(Debug, Serialize, ToSchema)]
struct SinkAnswer {
    sink: Sink,
}

/// A sink with its new secret.
#[derive(Debug, Serialize, ToSchema)]
struct SinkWithSecret {
    sink: Sink,
    /// With which requests are signed, by Standard Webhooks. Shown this once; null for
    /// a Redis sink, which has none.
    secret: Option<String>,
}

async fn found(state: &AppState, org: &OrgId, id: SinkId) -> Result<Sink, Problem> {
    let sink = state.store().sink(org, id, clock::now()).await?;
    sink.ok_or_else(|| Problem::not_found("sink"))
}

/// Create a sink
///
/// From now on messages are sent there, also those that wait already.
#[utoipa::path(post, path = "/v1/sinks", tag = "sinks", request_body = Creation,
    responses(
        (status = CREATED, description = "Created", body = SinkWithSecret),
        (status = CONFLICT, description = "The organization has a sink, or the stream belongs to \
            another organization", body = Problem, content_type = "application/problem+json")))]
async fn create_sink(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    JsonBody(new): JsonBody<Creation>,
) -> Result<(StatusCode, Json<SinkWithSecret>), Problem> {
    let mut checks = Checks::default();
    let url = check_url(&mut checks, state.config(), new.kind, new.url);
    let stream = check_stream(&mut checks, state.config(), new.kind, new.stream);
    checks.done()?;
    let (place, secret) = match new.kind {
        SinkKind::Http => {
            let secret = generate_sink_secret();
            let place = NewSinkPlace::Http {
                url: url.unwrap_or_default(),
                secret: seal_secret(state.master_key(), &secret),
            };
            (place, Some(secret.expose().to_owned()))
        }
        SinkKind::Redis => {
            let stream = stream.unwrap_or_default();
            (NewSinkPlace::Redis { stream }, None)
        }
    };
    let new = NewSink {
        id: SinkId::new(),
        place,
    };
    state.store().create_sink(&org, &new, clock::now()).await?;
    state.signals().raise(Signal::Outbox);
    let sink = found(&state, &org, new.id).await?;
    Ok((StatusCode::CREATED, Json(SinkWithSecret { sink, secret })))
}

/// List sinks
///
/// There is one at most.
#[utoipa::path(get, path = "/v1/sinks", tag = "sinks", params(PageQuery),
    responses((status = OK, description = "Newest first", body = Page<Sink>)))]
async fn list_sinks(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<Sink>>, Problem> {
    let sinks = state.store().list_sinks(&org, query.page(), clock::now());
    Ok(Json(sinks.await?))
}

/// Get a sink
///
/// Its health says how well sending goes, and what went wrong last.
#[utoipa::path(get, path = "/v1/sinks/{id}", tag = "sinks", params(("id" = SinkId, Path)),
    responses((status = OK, description = "The sink", body = SinkAnswer)))]
async fn get_sink(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<SinkId>,
) -> Result<Json<SinkAnswer>, Problem> {
    let sink = found(&state, &org, id).await?;
    Ok(Json(SinkAnswer { sink }))
}

/// Change a sink
///
/// What is not sent yet is sent there, and tried at once, whatever failed before.
/// Switched off, it leaves messages to consumers that claim them.
#[utoipa::path(patch, path = "/v1/sinks/{id}", tag = "sinks", params(("id" = SinkId, Path)),
    request_body = Change,
    responses((status = OK, description = "Changed", body = SinkAnswer)))]
async fn update_sink(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<SinkId>,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<SinkAnswer>, Problem> {
    let before = found(&state, &org, id).await?;
    let mut checks = Checks::default();
    let url = change
        .url
        .and_then(|url| check_url(&mut checks, state.config(), before.kind, Some(url)));
    checks.done()?;
    let patch = SinkPatch {
        url,
        enabled: change.enabled,
    };
    let changed = state.store().update_sink(&org, id, &patch, clock::now());
    if !changed.await? {
        return Err(Problem::not_found("sink"));
    }
    state.signals().raise(Signal::Outbox);
    let sink = found(&state, &org, id).await?;
    Ok(Json(SinkAnswer { sink }))
}

/// Delete a sink
///
/// What is not sent yet waits for consumers, or for the next sink.
#[utoipa::path(delete, path = "/v1/sinks/{id}", tag = "sinks", params(("id" = SinkId, Path)),
    responses((status = NO_CONTENT, description = "Deleted")))]
async fn delete_sink(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<SinkId>,
) -> Result<StatusCode, Problem> {
    if !state.store().delete_sink(&org, id).await? {
        return Err(Problem::not_found("sink"));
    }
    state.signals().raise(Signal::Outbox);
    Ok(StatusCode::NO_CONTENT)
}
