//! The webhook routes.

use super::delivery::{Accepted, IngressState};
use super::target::Target;
use super::{github_app, nango};
use crate::http::{Cause, PathId, Problem};
use crate::measure;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use utoipa::{IntoResponses, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What a webhook route answers.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "a description, of which no value exists")]
enum DeliveryAnswers {
    /// Committed; or the answer to a handshake, as text
    #[response(status = 200)]
    Accepted(Accepted),
    /// The body broke off, or did not arrive in time
    #[response(status = 400, content_type = "application/problem+json")]
    Broken(Problem),
    /// The signature is missing, wrong or stale
    #[response(status = 401, content_type = "application/problem+json")]
    Unverified(Problem),
    /// No such token, provider or integration
    #[response(status = 404, content_type = "application/problem+json")]
    Unknown(Problem),
    /// The body is too large
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The source or its organization has sent too many: again after Retry-After
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(Problem),
    /// Not committed, for too much is under way or the database is unavailable: to
    /// be sent again, after Retry-After
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// What the answers refer to: their description does not bring it along.
#[derive(OpenApi)]
#[openapi(components(schemas(Accepted)))]
struct Schemas;

/// The routes, with their documentation.
pub fn router(state: IngressState) -> OpenApiRouter {
    OpenApiRouter::with_openapi(Schemas::openapi())
        .routes(routes!(by_token))
        .routes(routes!(by_integration))
        .routes(routes!(by_account))
        .merge(nango::router())
        .merge(github_app::router())
        .with_state(state)
        .layer(axum::middleware::map_response(count_refusal))
}

/// Counts what was not taken, whichever route refused it.
async fn count_refusal(response: Response) -> Response {
    if response.status().is_client_error() || response.status().is_server_error() {
        let cause = response.extensions().get::<Cause>();
        measure::rejected(cause.map_or_else(|| reason(response.status()), |cause| cause.0));
    }
    response
}

/// Why a status refuses, where it says enough.
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
    request_body(content_type = "*/*", description = "What the service sends, byte for byte"),
    responses(DeliveryAnswers))]
async fn by_token(
    State(state): State<IngressState>,
    PathId(token): PathId<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let find = || state.routes.by_token(&token);
    state
        .deliver(Target::Known(&find), "token", headers, query, body)
        .await
}

/// Deliver to an integration
///
/// Seen by all triggers of the integration. Signed with the integration's secret.
#[utoipa::path(post, path = "/webhooks/direct/{provider}/{integration_id}", operation_id = "deliver_to_integration", tag = "webhooks",
    params(("provider" = String, Path, description = "The provider's id"), ("integration_id" = String, Path, description = "The integration")),
    request_body(content_type = "*/*", description = "What the service sends, byte for byte"),
    responses(DeliveryAnswers))]
async fn by_integration(
    State(state): State<IngressState>,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let parsed = path
        .ok()
        .and_then(|Path((provider, id))| Some((provider, id.parse().ok()?)));
    let Some((provider, id)) = parsed else {
        return Problem::not_found("integration").into_response();
    };
    let find = || {
        state
            .routes
            .by_integration(id)
            .filter(|source| source.origin.provider == provider)
    };
    state
        .deliver(Target::Known(&find), "integration", headers, query, body)
        .await
}

/// Deliver to an account
///
/// For an app-level webhook: the account in the delivery says to which integration
/// it belongs. Signed with one of the provider's `app_secrets`.
#[utoipa::path(post, path = "/webhooks/direct/{provider}", operation_id = "deliver_to_account", tag = "webhooks",
    params(("provider" = String, Path, description = "The provider's id")),
    request_body(content_type = "*/*", description = "What the service sends, byte for byte"),
    responses(DeliveryAnswers))]
async fn by_account(
    State(state): State<IngressState>,
    PathId(provider): PathId<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    state
        .deliver(Target::App(&provider), "provider", headers, query, body)
        .await
}
