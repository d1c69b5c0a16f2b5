//! A delivery: one row of the inbox, the bytes as they arrived.

use crate::domain::text_enum::text_enum;
use crate::domain::{DeliveryId, DeliveryStatus, IntegrationId, Lane, OrgId, Timestamp, TriggerId};
use serde::Serialize;
use utoipa::ToSchema;

text_enum! {
    /// The ingress route of a delivery.
    pub enum Route {
        /// `/webhooks/t/{token}`: belongs to one trigger.
        Token = "token",
        /// `/webhooks/direct/{provider}/{integration_id}`: belongs to one integration.
        Integration = "integration",
        /// `/webhooks/direct/{provider}`: belongs to the integration of the account in it.
        Account = "account",
        /// `/webhooks/nango`: belongs to the integration of the connection on its envelope.
        Nango = "nango",
    }
}

/// The route of a delivery, and the owner that the route names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The route.
    pub route: Route,
    /// The provider that parses the delivery; [`super::nango::PROVIDER_UNKNOWN`] until a
    /// worker has found the integration of the connection.
    pub provider: String,
    /// The organization; none until a worker has read the account.
    pub org: Option<OrgId>,
    /// The trigger of a token route.
    pub trigger: Option<TriggerId>,
    /// The integration of an integration route.
    pub integration: Option<IntegrationId>,
}

impl Origin {
    /// The lane of a delivery. `account` is what a delivery to a shared URL says about its
    /// owner.
    pub fn lane(&self, account: Option<&str>) -> Lane {
        match &self.org {
            Some(org) => Lane::of_org(org),
            None => {
                let url = self.route.as_str();
                Lane::of_account(url, &self.provider, account.unwrap_or_default())
            }
        }
    }
}

/// A header of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
pub struct Header {
    /// The name in lower case.
    pub name: String,
    /// The value. U+FFFD replaces invalid UTF-8.
    pub value: String,
}

/// A verified request, before it is stored.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// The id of the delivery and its row.
    pub id: DeliveryId,
    /// The route, and the owner that it names.
    pub origin: Origin,
    /// Whose share of the workers it uses.
    pub lane: Lane,
    /// The sender's id for the delivery.
    pub delivery_key: Option<String>,
    /// Headers without those that carry a signature or a credential.
    pub headers: Vec<Header>,
    /// The query string without `?`.
    pub query: String,
    /// The exact bytes.
    pub body: Vec<u8>,
    /// The time at which the headers arrived.
    pub received_at: Timestamp,
}

/// A delivery that a worker holds.
#[derive(Clone, Debug)]
pub struct ClaimedDelivery {
    /// The id of the row.
    pub id: DeliveryId,
    /// The fence: writes of this claim are dropped once another claim exists. The number
    /// only grows, so every claim has its own.
    pub attempt: i32,
    /// Attempts that failed, and this one. A claim that was given back is none.
    pub tries: i32,
    /// Attempts during which its worker died.
    pub deaths: i32,
    /// A worker died while it held the delivery, so the delivery may be the reason.
    pub is_suspect: bool,
    /// The time from which the age of the retries counts: of receipt, or of the last
    /// retry by a person.
    pub retry_since: Timestamp,
    /// The only triggers that still wait for their events; none means all.
    pub only_triggers: Option<Vec<TriggerId>>,
    /// Whose share of the workers it uses.
    pub lane: Lane,
    /// The route, and the owner that it names.
    pub origin: Origin,
    /// The stored headers.
    pub headers: Vec<Header>,
    /// The stored query string.
    pub query: String,
    /// The exact bytes.
    pub body: Vec<u8>,
    /// The time of receipt.
    pub received_at: Timestamp,
}

/// The end of an attempt at a claimed delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The delivery is done.
    Completed {
        /// A summary for people: `2 of 3 wanted`.
        outcome: String,
    },
    /// The delivery is retried.
    Retry {
        /// The time of the next attempt.
        at: Timestamp,
        /// The error of this attempt.
        error: String,
    },
    /// This host cannot process the delivery, and another one may: it waits, and nothing
    /// counts as an attempt.
    Wait {
        /// The time of the next look.
        at: Timestamp,
        /// The reason why it waits.
        reason: String,
    },
    /// The delivery waits for a person: the trigger or integration is on hold.
    Held {
        /// The triggers on hold, if others have had their events; none means all.
        only_triggers: Option<Vec<TriggerId>>,
        /// The reason why it is held.
        reason: String,
    },
    /// The delivery is a dead letter.
    Failed {
        /// The error of this attempt.
        error: String,
    },
}

/// A delivery, as the API shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Delivery {
    /// The id of the delivery.
    pub id: DeliveryId,
    /// The provider that parses the delivery; `nango` until the integration of its
    /// connection is found.
    pub provider: String,
    /// The integration of the route.
    pub integration_id: Option<IntegrationId>,
    /// The trigger of the route.
    pub trigger_id: Option<TriggerId>,
    /// The ingress route.
    pub route: Route,
    /// The sender's id for the delivery.
    pub delivery_key: Option<String>,
    /// The status of the delivery.
    pub status: DeliveryStatus,
    /// A summary of the result.
    pub outcome: Option<String>,
    /// Attempts since the delivery arrived, or since its last manual retry.
    pub attempt: i32,
    /// The next attempt, or the end of the lease.
    pub due_at: Option<Timestamp>,
    /// The error of the last attempt.
    pub error: Option<String>,
    /// The time of receipt.
    pub received_at: Timestamp,
    /// The time at which the delivery was settled.
    pub processed_at: Option<Timestamp>,
}

/// A delivery with its content.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeliveryContent {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// Headers without those that carried a signature or a credential.
    pub headers: Vec<Header>,
    /// The query string.
    pub query: String,
    /// The body as text; null if it is not UTF-8.
    pub body: Option<String>,
    /// The exact bytes, in base64.
    pub body_base64: String,
}
