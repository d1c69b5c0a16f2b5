//! The webhook routes of triggers, integrations and apps.

use super::answers::{Accepted, CommittedSchemas, Refusals};
use super::door::Door;
use super::incoming::Incoming;
use super::webhook_url::WebhookUrl;
use super::{github_app, nango};
use crate::domain::trace::TraceParent;
use crate::http::{Cause, PathId, Problem};
use crate::measure;
use crate::telemetry::continue_trace;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::{Instrument, Span};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes, with their documentation.
pub fn router(door: Door) -> OpenApiRouter {
    OpenApiRouter::with_openapi(CommittedSchemas::openapi())
        .routes(routes!(by_token))
        .routes(routes!(by_integration))
        .routes(routes!(by_account))
        .merge(nango::router())
        .merge(github_app::router())
        .with_state(door)
        .layer(axum::middleware::from_fn(observe))
}

/// Traces the request, and counts its refusal.
async fn observe(request: Request, next: Next) -> Response {
    let span = deliver_span(request.headers());
    let response = next.run(request).instrument(span).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        let cause = response.extensions().get::<Cause>();
        measure::rejected(cause.map_or_else(|| reason(response.status()), |cause| cause.0));
    }
    response
}

/// A span in the sender's trace, if the request names one. The sender is not verified yet,
/// but a trace is all that its header decides.
fn deliver_span(headers: &HeaderMap) -> Span {
    let span = tracing::debug_span!("deliver");
    let mut parents = headers.get_all("traceparent").iter();
    if let (Some(value), None) = (parents.next(), parents.next())
        && let Some(trace) = value.to_str().ok().and_then(TraceParent::parse)
    {
        continue_trace(&span, &trace);
    }
    span
}

/// The label of a refusal in `/metrics`, where its status says enough.
fn reason(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNSUPPORTED_MEDIA_TYPE => "unreadable",
        StatusCode::UNAUTHORIZED => "unverified",
        StatusCode::NOT_FOUND => "unknown_route",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        _ => "other",
    }
}

/// Deliver to a trigger
///
/// Signed with the trigger's secret, as its provider's service signs.
#[utoipa::path(post, path = "/webhooks/t/{token}", operation_id = "deliver_to_trigger", tag = "webhooks",
    params(("token" = String, Path, description = "The token in the trigger's webhook_url")),
    request_body(content_type = "*/*", description = "The bytes that the service sends"),
    responses(
        (status = 200, description = "Committed; or the answer to a handshake, as text", body = Accepted),
        (status = 404, description = "No such token", body = Problem, content_type = "application/problem+json"),
        Refusals))]
async fn by_token(
    State(door): State<Door>,
    PathId(token): PathId<String>,
    incoming: Incoming,
) -> Result<Response, Problem> {
    deliver(&door, WebhookUrl::Token(&token), incoming).await
}

/// Deliver to an integration
///
/// All triggers of the integration see the delivery. Signed with the integration's secret.
#[utoipa::path(post, path = "/webhooks/direct/{provider}/{integration_id}", operation_id = "deliver_to_integration", tag = "webhooks",
    params(("provider" = String, Path, description = "The provider's id"), ("integration_id" = String, Path, description = "The integration")),
    request_body(content_type = "*/*", description = "The bytes that the service sends"),
    responses(
        (status = 200, description = "Committed; or the answer to a handshake, as text", body = Accepted),
        (status = 404, description = "No such integration of this provider", body = Problem, content_type = "application/problem+json"),
        Refusals))]
async fn by_integration(
    State(door): State<Door>,
    path: Result<Path<(String, String)>, PathRejection>,
    incoming: Incoming,
) -> Result<Response, Problem> {
    let parsed = path
        .ok()
        .and_then(|Path((provider, id))| Some((provider, id.parse().ok()?)));
    let (provider, id) = parsed.ok_or_else(|| Problem::not_found("integration"))?;
    let provider = &provider;
    deliver(&door, WebhookUrl::Integration { provider, id }, incoming).await
}

/// Deliver to an account
///
/// For an app-level webhook: the account in the delivery decides which integration it
/// belongs to. Signed with one of the provider's `app_secrets`.
#[utoipa::path(post, path = "/webhooks/direct/{provider}", operation_id = "deliver_to_account", tag = "webhooks",
    params(("provider" = String, Path, description = "The provider's id")),
    request_body(content_type = "*/*", description = "The bytes that the service sends"),
    responses(
        (status = 200, description = "Committed; or the answer to a handshake, as text", body = Accepted),
        (status = 404, description = "No such provider", body = Problem, content_type = "application/problem+json"),
        Refusals))]
async fn by_account(
    State(door): State<Door>,
    PathId(provider): PathId<String>,
    incoming: Incoming,
) -> Result<Response, Problem> {
    deliver(&door, WebhookUrl::App(&provider), incoming).await
}

async fn deliver(
    door: &Door,
    url: WebhookUrl<'_>,
    incoming: Incoming,
) -> Result<Response, Problem> {
    let admitted = door.admit(url, incoming).await?;
    if let Some(answer) = admitted.facts.handshake {
        // The sender chose this text: no browser may take it for a page.
        return Ok(([(header::X_CONTENT_TYPE_OPTIONS, "nosniff")], answer).into_response());
    }
    door.commit(admitted.pack()).await
}
