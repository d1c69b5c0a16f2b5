//! The answers of the webhook routes, and how OpenAPI describes them.

use crate::domain::integration::IntegrationStatus;
use crate::domain::{DeliveryId, IntegrationId};
use crate::http::Problem;
use crate::store::Stored;
use serde::Serialize;
use utoipa::{IntoResponses, OpenApi, ToSchema};

/// The answer to a delivery that is committed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Accepted {
    /// The delivery. A repeated delivery gets the id of the first one.
    id: DeliveryId,
    /// True if an earlier request committed the delivery.
    duplicate: bool,
}

impl From<Stored> for Accepted {
    fn from(stored: Stored) -> Self {
        Self {
            id: stored.id,
            duplicate: stored.duplicate,
        }
    }
}

/// The answer to a message that carries no delivery.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = LifecycleAnswer)]
pub(super) struct NewsAnswer {
    /// The integration that it concerns; null if there is none.
    integration_id: Option<IntegrationId>,
    /// The integration's status now.
    status: Option<IntegrationStatus>,
}

impl NewsAnswer {
    pub(super) fn of(integration: IntegrationId, status: IntegrationStatus) -> Self {
        Self {
            integration_id: Some(integration),
            status: Some(status),
        }
    }
}

/// Committed: a delivery, or news about a connection.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "a description, of which no value exists")]
pub(super) enum DeliveryOrNews {
    Delivery(Accepted),
    News(NewsAnswer),
}

/// The errors of every webhook route.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "a description, of which no value exists")]
pub(super) enum Refusals {
    /// The body broke off or did not arrive in time
    #[response(status = 400, content_type = "application/problem+json")]
    Broken(Problem),
    /// The signature is missing, wrong or stale, or no secret is configured
    #[response(status = 401, content_type = "application/problem+json")]
    Unverified(Problem),
    /// The body is too large
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The sender or its organization sent too many: send again after Retry-After
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(Problem),
    /// Not committed, because too many requests are in progress or the database is
    /// unavailable: send again after Retry-After
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// The schemas that the answers refer to. utoipa does not collect them from a response.
#[derive(OpenApi)]
#[openapi(components(schemas(DeliveryOrNews, Accepted, NewsAnswer)))]
pub(super) struct CommittedSchemas;
