//! The one URL of a GitHub App: the deliveries of all its installations, and news about
//! the installations themselves.

mod installation;
mod scheme;

pub(super) use scheme::{PROVIDER, scheme};

use super::answers::{CommittedSchemas, DeliveryOrNews, Refusals};
use super::door::Door;
use super::incoming::Incoming;
use super::webhook_url::WebhookUrl;
use crate::http::Problem;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use installation::InstallationNews;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Door> {
    OpenApiRouter::with_openapi(CommittedSchemas::openapi())
        .routes(routes!(deliver_from_github_app))
}

/// Deliver from a GitHub App
///
/// Signed with the App's webhook secret. An installation that is deleted, suspended or
/// resumed changes the status of the integration whose `account` is its id. Every
/// delivery then counts as one to `/webhooks/direct/github`.
#[utoipa::path(post, path = "/api/webhooks/github-app", operation_id = "deliver_from_github_app", tag = "webhooks",
    request_body(content_type = "application/json", description = "The bytes that GitHub sends"),
    responses(
        (status = 200, description = "Committed", body = DeliveryOrNews),
        Refusals,
        (status = 404, description = "The provider is not registered, and the delivery is no news about an installation",
            body = Problem, content_type = "application/problem+json")))]
async fn deliver_from_github_app(
    State(door): State<Door>,
    incoming: Incoming,
) -> Result<Response, Problem> {
    let admitted = door.admit(WebhookUrl::GithubApp, incoming).await?;
    let news = InstallationNews::read(&admitted.headers, &admitted.body.bytes);
    // A provider that takes no deliveries may still have integrations.
    if !door.senders().takes_webhooks(PROVIDER) {
        let news = news.ok_or_else(|| Problem::not_found(WebhookUrl::GithubApp.noun()))?;
        return Ok(Json(news.apply(door.store(), None).await?).into_response());
    }
    let packed = admitted.pack();
    if let Some(news) = news {
        news.apply(door.store(), packed.digest()).await?;
    }
    door.commit(packed).await
}
