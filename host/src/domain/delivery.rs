//! A delivery: one row of the inbox, the bytes as they arrived.

use crate::domain::text_enum::text_enum;
use crate::domain::{DeliveryId, DeliveryStatus, IntegrationId, OrgId, Timestamp, TriggerId};
use serde::Serialize;
use utoipa::ToSchema;

text_enum! {
    /// Which ingress route took a delivery.
    pub enum Route {
        /// `/webhooks/t/{token}`: belongs to one trigger.
        Token = "token",
        /// `/webhooks/direct/{provider}/{integration_id}`: belongs to one integration.
        Integration = "integration",
        /// `/webhooks/direct/{provider}`: the account in it says to which.
        Account = "account",
        /// `/webhooks/nango`: the connection in its envelope says to which.
        Nango = "nango",
    }
}

/// Where a delivery came in, and so to whom it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The route.
    pub route: Route,
    /// The provider that parses it; [`super::nango::PROVIDER_UNKNOWN`] until a worker
    /// has found the integration of its connection.
    pub provider: String,
    /// The organization; unknown until a worker has read the account.
    pub org: Option<OrgId>,
    /// The trigger of a token route.
    pub trigger: Option<TriggerId>,
    /// The integration of an integration route.
    pub integration: Option<IntegrationId>,
}

/// A header, its name in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
pub struct Header {
    /// In lower case.
    pub name: String,
    /// Bytes that are no UTF-8 are replaced by U+FFFD.
    pub value: String,
}

/// A verified request, before it is stored.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Its id, which becomes the row's.
    pub id: DeliveryId,
    /// To whom it belongs.
    pub origin: Origin,
    /// The sender's id for it.
    pub delivery_key: Option<String>,
    /// Headers without those that carry a signature or a credential.
    pub headers: Vec<Header>,
    /// The query string without `?`.
    pub query: String,
    /// The exact bytes.
    pub body: Vec<u8>,
    /// When its headers arrived.
    pub received_at: Timestamp,
}

/// A delivery that a worker holds.
#[derive(Clone, Debug)]
pub struct ClaimedDelivery {
    /// Its row.
    pub id: DeliveryId,
    /// The fence: what this claim writes is dropped once another claim exists. It
    /// only grows, so no claim ever has the number of an older one.
    pub attempt: i32,
    /// Attempts that count against the limit, this one included: those since a
    /// person last had it retried, without those that were given back.
    pub tries: i32,
    /// To whom it belongs.
    pub origin: Origin,
    /// As stored.
    pub headers: Vec<Header>,
    /// As stored.
    pub query: String,
    /// The exact bytes.
    pub body: Vec<u8>,
    /// When it was received.
    pub received_at: Timestamp,
}

/// What becomes of a claimed delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Done; the text says what came of it.
    Completed {
        /// For people: `1 event, 1 run`.
        outcome: String,
    },
    /// Tried again at `at`.
    Retry {
        /// When.
        at: Timestamp,
        /// What went wrong.
        error: String,
    },
    /// A dead letter.
    Failed {
        /// What went wrong.
        error: String,
    },
}

/// A delivery as people see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The provider that parses it; `nango` until the integration of its connection
    /// is found.
    pub provider: String,
    /// The integration that it came in for.
    pub integration_id: Option<IntegrationId>,
    /// The trigger that it came in for.
    pub trigger_id: Option<TriggerId>,
    /// Which ingress route took it.
    pub route: Route,
    /// The sender's id for it.
    pub delivery_key: Option<String>,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// What came of it.
    pub outcome: Option<String>,
    /// How often it was tried since it arrived, or since somebody had it retried.
    pub attempt: i32,
    /// When it is due again, or when its lease ends.
    pub due_at: Option<Timestamp>,
    /// What went wrong.
    pub error: Option<String>,
    /// When it arrived.
    pub received_at: Timestamp,
    /// When it was settled.
    pub processed_at: Option<Timestamp>,
}

/// A delivery with what was sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeliveryContent {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// Headers without those that carried a signature or a credential.
    pub headers: Vec<Header>,
    /// The query string.
    pub query: String,
    /// The body as text, if it is UTF-8.
    pub body: Option<String>,
    /// The exact bytes, in base64.
    pub body_base64: String,
}
