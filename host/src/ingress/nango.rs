//! What Nango posts: deliveries of any provider in an envelope, and news about
//! connections.
//!
//! Verified once, here, over the bytes as they arrived. Nango has checked the
//! provider's own signature, and nobody can check it again, since Nango writes the
//! payload anew.

use super::delivery::{IngressState, too_many};
use super::lifecycle::{DeliveryOrNewsAnswers, LifecycleAnswer, Schemas, refuse, require_secrets};
use super::rate::SourceKey;
use crate::clock;
use crate::domain::DeliveryId;
use crate::domain::delivery::{NewDelivery, Origin, Route};
use crate::domain::integration::ConnectionNews;
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::domain::nango::{Auth, Message, Operation, PROVIDER_UNKNOWN};
use crate::domain::source::{Locator, VerificationScheme, WebhookScheme};
use crate::http::Problem;
use crate::provider::Registry;
use crate::store::{LifecycleNews, LifecycleSubject, PackedDelivery};
use crate::verify;
use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Nango also sends `X-Nango-Signature`, a hash of key and body that anybody can
/// continue: it proves nothing, so it does not count.
static SOURCE: LazyLock<WebhookScheme> = LazyLock::new(|| WebhookScheme {
    verification: vec![VerificationScheme::hmac_sha256_hex(
        "x-nango-hmac-sha256",
        "",
    )],
    // See `delivery_key`.
    delivery_id: vec![],
    account: vec![],
    handshakes: vec![],
});

pub(super) fn router() -> OpenApiRouter<IngressState> {
    OpenApiRouter::with_openapi(Schemas::openapi())
        .routes(routes!(deliver_from_nango))
        .routes(routes!(hear_from_nango))
}

/// Deliver through Nango
///
/// Signed with the environment's webhook signing key in `X-Nango-Hmac-Sha256`. A
/// forwarded payload goes to the integration whose `connection_id` is that of the
/// envelope, and to that integration's provider. News about a connection change its
/// integration's status.
#[utoipa::path(
    post,
    path = "/webhooks/nango",
    operation_id = "deliver_from_nango",
    tag = "webhooks",
    request_body(
        content_type = "application/json",
        description = "What Nango sends, byte for byte"
    ),
    responses(DeliveryOrNewsAnswers)
)]
async fn deliver_from_nango(
    State(state): State<IngressState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    take(&state, &headers, query.unwrap_or_default(), body).await
}

/// Tell about connections through Nango
///
/// The same as `/webhooks/nango`, for an environment with two URLs: what arrives at
/// both is committed once.
#[utoipa::path(
    post,
    path = "/api/webhooks/nango",
    operation_id = "hear_from_nango",
    tag = "webhooks",
    request_body(
        content_type = "application/json",
        description = "What Nango sends, byte for byte"
    ),
    responses(DeliveryOrNewsAnswers)
)]
async fn hear_from_nango(
    State(state): State<IngressState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    take(&state, &headers, query.unwrap_or_default(), body).await
}

async fn take(
    state: &IngressState,
    headers: &HeaderMap,
    query: String,
    body: Body,
) -> Result<Response, Problem> {
    let received_at = clock::now();
    let keys = require_secrets("Nango", &state.nango_keys)?;
    state
        .rates
        .check(&SourceKey::Nango, None)
        .map_err(too_many)?;
    let body = state.read(headers, body).await?;
    let request = verify::Request::new(&SOURCE, headers, &query, &body.bytes, received_at);
    if let Err(error) = request.verify(keys) {
        state
            .rates
            .unverified(&SourceKey::Nango)
            .map_err(too_many)?;
        return Err(refuse("Nango", error));
    }
    state
        .rates
        .take(&SourceKey::Nango, None)
        .map_err(too_many)?;
    let heard = match Message::read(&body.bytes) {
        Message::Auth(auth) => connection_news(state, auth).await?,
        Message::Sync => {
            tracing::info!("a sync of Nango's has ended");
            LifecycleAnswer::default()
        }
        Message::Forward { .. } | Message::Other(_) | Message::Unattributed => {
            let sources: Vec<&WebhookScheme> = sources(&state.registry).collect();
            let packed = PackedDelivery::new(NewDelivery {
                id: DeliveryId::new(),
                origin: Origin {
                    route: Route::Nango,
                    provider: PROVIDER_UNKNOWN.into(),
                    org: None,
                    trigger: None,
                    integration: None,
                },
                delivery_key: Some(delivery_key(&sources, headers, &body.bytes)),
                headers: verify::kept_headers(&sources, headers),
                query: verify::kept_query(&sources, &query),
                body: body.bytes,
                received_at,
            });
            // From here on the writer's own limit counts.
            drop(body.room);
            return state.commit(packed).await;
        }
    };
    Ok(Json(heard).into_response())
}

/// Every description whose headers a forwarded delivery may carry.
fn sources(registry: &Registry) -> impl Iterator<Item = &WebhookScheme> {
    let providers = registry
        .iter()
        .filter_map(|provider| provider.info().webhook.as_ref());
    std::iter::once(&*SOURCE).chain(providers)
}

/// Nango gives a message no id. But it forwards the provider's headers, in one of
/// which most providers send theirs; together with the bytes, which name the
/// connection, that tells a repetition from another delivery.
fn delivery_key(sources: &[&WebhookScheme], headers: &HeaderMap, body: &[u8]) -> String {
    let mut digest = Sha256::new();
    digest.update(Sha256::digest(body));
    let locators = sources.iter().flat_map(|source| &source.delivery_id);
    let mut names: Vec<&str> = locators
        .filter_map(|locator| match locator {
            Locator::Header(name) => Some(name.as_str()),
            Locator::BodyPointer(_) | Locator::Query(_) => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        if let Some(value) = headers.get(name) {
            digest.update(Sha256::digest(name));
            digest.update(Sha256::digest(value));
        }
    }
    format!("sha256:{}", hex::encode(digest.finalize()))
}

async fn connection_news(state: &IngressState, auth: Auth) -> Result<LifecycleAnswer, Problem> {
    let lifecycle = match (auth.operation, auth.success) {
        (Operation::Creation | Operation::Override, true) => ConnectionNews::Connected,
        (Operation::Refresh, true) => ConnectionNews::Refreshed,
        (Operation::Refresh, false) => ConnectionNews::RefreshFailed,
        (Operation::Deletion, true) => ConnectionNews::Deleted,
        (operation, success) => {
            tracing::info!(
                ?operation,
                success,
                "Nango's news about a connection change nothing"
            );
            return Ok(LifecycleAnswer::default());
        }
    };
    let reason = match lifecycle {
        ConnectionNews::RefreshFailed => {
            let error = auth.error.unwrap_or_else(|| "no reason given".into());
            Some(format!("Nango could not refresh the credential: {error}"))
        }
        ConnectionNews::Deleted => Some("the connection was deleted at Nango".into()),
        _ => None,
    };
    let news = LifecycleNews {
        lifecycle,
        reason: reason.map(|text| bounded(&text, REASON_BYTES_MAX)),
        // Nango gives its messages neither time nor id: they count as they come.
        at: None,
        door_key: None,
    };
    let subject = LifecycleSubject::Connection(&auth.connection);
    state.apply(subject, news).await
}
