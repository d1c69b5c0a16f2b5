//! Nango's webhooks: deliveries of any provider in an envelope, and news about
//! connections.
//!
//! The signature covers the bytes as they arrived, so it is verified here. Nango has
//! verified the provider's own signature. Nobody can verify that one again, because Nango
//! rewrites the payload.

mod scheme;

pub(super) use scheme::scheme;

use super::answers::{CommittedSchemas, DeliveryOrNews, NewsAnswer, Refusals};
use super::door::Door;
use super::incoming::Incoming;
use super::news;
use super::webhook_url::WebhookUrl;
use crate::domain::integration::ConnectionNews;
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::domain::nango::{Auth, Message, Operation};
use crate::http::Problem;
use crate::store::{LifecycleNews, LifecycleSubject};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use scheme::delivery_key;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Door> {
    OpenApiRouter::with_openapi(CommittedSchemas::openapi())
        .routes(routes!(deliver_from_nango))
        .routes(routes!(hear_from_nango))
}

/// Deliver through Nango
///
/// Signed with the environment's webhook signing key in `X-Nango-Hmac-Sha256`. A
/// forwarded payload goes to the integration with the envelope's `connection_id`, and to
/// that integration's provider. News about a connection changes its integration's status.
#[utoipa::path(
    post,
    path = "/webhooks/nango",
    operation_id = "deliver_from_nango",
    tag = "webhooks",
    request_body(
        content_type = "application/json",
        description = "The bytes that Nango sends"
    ),
    responses(
        (status = 200, description = "Committed", body = DeliveryOrNews),
        Refusals,
    )
)]
async fn deliver_from_nango(
    State(door): State<Door>,
    incoming: Incoming,
) -> Result<Response, Problem> {
    take(&door, incoming).await
}

/// Report connections through Nango
///
/// The same as `/webhooks/nango`, for an environment with two URLs. A message that
/// arrives at both is committed once.
#[utoipa::path(
    post,
    path = "/api/webhooks/nango",
    operation_id = "hear_from_nango",
    tag = "webhooks",
    request_body(
        content_type = "application/json",
        description = "The bytes that Nango sends"
    ),
    responses(
        (status = 200, description = "Committed", body = DeliveryOrNews),
        Refusals,
    )
)]
async fn hear_from_nango(
    State(door): State<Door>,
    incoming: Incoming,
) -> Result<Response, Problem> {
    take(&door, incoming).await
}

async fn take(door: &Door, incoming: Incoming) -> Result<Response, Problem> {
    let mut admitted = door.admit(WebhookUrl::Nango, incoming).await?;
    let answer = match Message::read(&admitted.body.bytes) {
        Message::Auth(auth) => connection_news(door, auth).await?,
        Message::Sync => {
            tracing::info!("Nango finished a sync");
            NewsAnswer::default()
        }
        message @ (Message::Forward { .. } | Message::Other(_) | Message::Unattributed) => {
            if let Message::Forward { connection, .. } = message {
                admitted.facts.account = Some(format!(
                    "{}/{}",
                    connection.provider_config_key, connection.id
                ));
            }
            let schemes = door.senders().forwarded_schemes();
            let key = delivery_key(&schemes, &admitted.headers, &admitted.body.bytes);
            return door.commit(admitted.pack_as(Some(key), &schemes)).await;
        }
    };
    Ok(Json(answer).into_response())
}

async fn connection_news(door: &Door, auth: Auth) -> Result<NewsAnswer, Problem> {
    let lifecycle = match (auth.operation, auth.success) {
        (Operation::Creation | Operation::Override, true) => ConnectionNews::Connected,
        (Operation::Refresh, true) => ConnectionNews::Refreshed,
        (Operation::Refresh, false) => ConnectionNews::RefreshFailed,
        (Operation::Deletion, true) => ConnectionNews::Deleted,
        (operation, success) => {
            tracing::info!(
                ?operation,
                success,
                "ignored news from Nango that changes no connection"
            );
            return Ok(NewsAnswer::default());
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
        // Nango sends neither time nor id: its messages count in the order of arrival.
        at: None,
        delivery_digest: None,
    };
    let subject = LifecycleSubject::Connection(&auth.connection);
    news::apply(door.store(), subject, news).await
}
