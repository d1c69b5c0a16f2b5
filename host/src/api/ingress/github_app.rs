//! The one URL of a GitHub App: news about its installations, and the deliveries of
//! all of them.

use super::delivery::IngressState;
use super::lifecycle::{Heard, Schemas, TakenAnswers, refuse};
use crate::api::Problem;
use crate::clock;
use crate::domain::delivery::{NewDelivery, Origin, Route};
use crate::domain::integration::Lifecycle;
use crate::domain::source::{Locator, VerificationScheme, WebhookSource};
use crate::domain::{DeliveryId, Timestamp};
use crate::store::{LifecycleNews, LifecycleSubject, PackedDelivery};
use crate::verify;
use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::LazyLock;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The provider of the integrations whose account is an installation.
const PROVIDER: &str = "github";

static SOURCE: LazyLock<WebhookSource> = LazyLock::new(|| WebhookSource {
    verification: vec![VerificationScheme::hmac_sha256_hex(
        "x-hub-signature-256",
        "sha256=",
    )],
    delivery_id: vec![Locator::Header("x-github-delivery".into())],
    account: vec![],
    handshakes: vec![],
});

pub(super) fn router() -> OpenApiRouter<IngressState> {
    OpenApiRouter::with_openapi(Schemas::openapi()).routes(routes!(deliver_from_github_app))
}

/// Deliver from a GitHub App
///
/// Signed with the App's webhook secret. An installation that is deleted, suspended
/// or resumed gives the integration whose `account` is its id another status. Every
/// delivery is then taken as one to `/webhooks/direct/github`.
#[utoipa::path(post, path = "/api/webhooks/github-app", operation_id = "deliver_from_github_app", tag = "webhooks",
    request_body(content_type = "application/json", description = "What GitHub sends, byte for byte"),
    responses(
        TakenAnswers,
        (status = 404, description = "The provider is not registered, and it is no news about an installation",
            body = Problem, content_type = "application/problem+json")))]
async fn deliver_from_github_app(
    State(state): State<IngressState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match take(&state, &headers, query.unwrap_or_default(), body).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn take(
    state: &IngressState,
    headers: &HeaderMap,
    query: String,
    body: Body,
) -> Result<Response, Problem> {
    let received_at = clock::now();
    let body = state.read(headers, body).await?;
    let request = verify::Request::new(&SOURCE, headers, &query, &body.bytes, received_at);
    request
        .verify(std::slice::from_ref(&state.github_app_secret))
        .map_err(|error| refuse("GitHub App", error))?;
    let delivery_key = request.delivery_id();
    let heard = match headers.get("x-github-event").map(|name| name.as_bytes()) {
        Some(b"installation") => Some(installation_news(state, &body.bytes, received_at).await?),
        _ => None,
    };
    if state.registry.get(PROVIDER).is_none() {
        return match heard {
            Some(heard) => Ok(Json(heard).into_response()),
            None => Err(Problem::not_found("provider")),
        };
    }
    let packed = PackedDelivery::new(NewDelivery {
        id: DeliveryId::new(),
        origin: Origin {
            route: Route::Account,
            provider: PROVIDER.into(),
            org: None,
            trigger: None,
            integration: None,
        },
        delivery_key,
        headers: verify::kept_headers(&[&SOURCE], headers),
        query,
        body: body.bytes,
        received_at,
    });
    // From here on the writer's own limit counts.
    drop(body.room);
    state.commit(packed).await
}

/// The part of an `installation` event that matters here.
#[derive(Deserialize)]
struct Event {
    action: String,
    installation: Installation,
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
    updated_at: Option<jiff::Timestamp>,
}

async fn installation_news(
    state: &IngressState,
    body: &[u8],
    received_at: Timestamp,
) -> Result<Heard, Problem> {
    let event: Event = serde_json::from_slice(body).map_err(|error| {
        Problem::unreadable(format!("expected an installation event in JSON: {error}"))
    })?;
    let (lifecycle, reason) = match event.action.as_str() {
        "deleted" => (
            Lifecycle::Deleted,
            Some("the App was uninstalled at GitHub"),
        ),
        "suspend" => (
            Lifecycle::Suspended,
            Some("the installation was suspended at GitHub"),
        ),
        "unsuspend" => (Lifecycle::Resumed, None),
        _ => return Ok(Heard::default()),
    };
    // GitHub may be asked to deliver an old event again, long after newer ones.
    let updated_at = event
        .installation
        .updated_at
        .map(|at| Timestamp(at.as_microsecond()));
    let news = LifecycleNews {
        lifecycle,
        reason: reason.map(str::to_owned),
        at: updated_at.unwrap_or(received_at),
    };
    let account = event.installation.id.to_string();
    let subject = LifecycleSubject::Account {
        provider: PROVIDER,
        account: &account,
    };
    state.apply(subject, news).await
}
