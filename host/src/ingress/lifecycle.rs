//! What services say about connections and installations, applied before it is
//! acknowledged.

use super::delivery::{Accepted, IngressState};
use crate::clock;
use crate::domain::IntegrationId;
use crate::domain::integration::IntegrationStatus;
use crate::http::Problem;
use crate::secret::Secret;
use crate::store::{LifecycleNews, LifecycleSubject};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::{IntoResponses, OpenApi, ToSchema};

/// The answer to a message that carries no delivery.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct LifecycleAnswer {
    /// The integration that it concerns; null if there is none.
    integration_id: Option<IntegrationId>,
    /// The integration's status now.
    status: Option<IntegrationStatus>,
}

/// Committed: a delivery, or what was said about a connection.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "a description, of which no value exists")]
pub(super) enum DeliveryOrNews {
    Delivery(Accepted),
    News(LifecycleAnswer),
}

/// What the routes of services answer that send both.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "a description, of which no value exists")]
pub(super) enum DeliveryOrNewsAnswers {
    /// Committed
    #[response(status = 200)]
    Committed(DeliveryOrNews),
    /// The body broke off, or did not arrive in time
    #[response(status = 400, content_type = "application/problem+json")]
    Broken(Problem),
    /// The signature is missing or wrong, or no key is configured
    #[response(status = 401, content_type = "application/problem+json")]
    Unverified(Problem),
    /// The body is too large
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// Too many were sent: again after Retry-After
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(Problem),
    /// Not committed, for too much is under way or the database is unavailable: to
    /// be sent again, after Retry-After
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// What the answers refer to: their description does not bring it along.
#[derive(OpenApi)]
#[openapi(components(schemas(DeliveryOrNews, Accepted, LifecycleAnswer)))]
pub(super) struct Schemas;

impl IngressState {
    /// Applies a message to the integration that it concerns, if there is one.
    pub(super) async fn apply(
        &self,
        subject: LifecycleSubject<'_>,
        news: LifecycleNews,
    ) -> Result<LifecycleAnswer, Problem> {
        let outcome = self
            .store
            .apply_lifecycle(subject, &news, clock::now())
            .await?;
        let Some(outcome) = outcome else {
            tracing::info!(lifecycle = ?news.lifecycle, "a service said something of a connection that no integration has");
            return Ok(LifecycleAnswer::default());
        };
        if outcome.changed {
            tracing::info!(
                integration.id = %outcome.integration,
                org.id = %outcome.org,
                status = %outcome.status,
                "an integration has another status, as its service says"
            );
        }
        Ok(LifecycleAnswer {
            integration_id: Some(outcome.integration),
            status: Some(outcome.status),
        })
    }
}

/// The secrets of the configuration; refuses at once where there are none, before a
/// body takes any room.
pub(super) fn require_secrets<'a>(
    sender: &'static str,
    secrets: &'a [Secret],
) -> Result<&'a [Secret], Problem> {
    if secrets.iter().all(Secret::is_blank) {
        return Err(refuse(sender, crate::verify::VerifyError::NoSecret));
    }
    Ok(secrets)
}

/// Says that a message was refused, and logs why, without what was sent.
pub(super) fn refuse(sender: &'static str, error: crate::verify::VerifyError) -> Problem {
    tracing::info!(sender, %error, "refused a message that could not be verified");
    Problem::new(StatusCode::UNAUTHORIZED).detail(error.to_string())
}
