//! The bodies that create and change integrations.

use super::credential_body::{CredentialBody, object, object_or_null};
use crate::api::check::Checks;
use crate::api::extract::present;
use crate::api::values::{Name, Reference, WebhookSecret};
use crate::domain::integration::IntegrationStatus;
use crate::domain::patch::Patch;
use serde::Deserialize;
use utoipa::openapi::schema::{Schema, Type};
use utoipa::openapi::{ObjectBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// An integration to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewIntegration)]
pub(super) struct Creation {
    /// The provider: registered and enabled.
    pub(super) provider: String,
    /// A name for people: one line of 1 to 200 characters.
    pub(super) name: Option<Name>,
    /// The connection's id at the service that manages it, for example Nango: 1 to 512
    /// characters.
    pub(super) connection_id: Option<Reference>,
    /// The key of Nango's integration that has the connection: 1 to 512 characters. Two
    /// connections of the same id have different keys. If absent, the integration gets the
    /// messages for its `connection_id` under any key, as long as there is one.
    pub(super) provider_config_key: Option<Reference>,
    /// The account at the service, for example an installation or a workspace: 1 to 512
    /// characters. App-level deliveries find the integration by it.
    pub(super) account: Option<Reference>,
    /// The secret that signs deliveries: 1 to 1024 bytes. It is never shown again.
    pub(super) secret: Option<WebhookSecret>,
    /// The credential for polling the service. It is never shown again.
    #[serde(default, deserialize_with = "object")]
    #[schema(write_only)]
    pub(super) credential: Option<CredentialBody>,
}

/// A change of an integration. Absent fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IntegrationChange)]
pub(super) struct Change {
    /// A name for people: one line of 1 to 200 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) name: Option<Name>,
    /// The connection's id at the service that manages it: 1 to 512 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) connection_id: Option<Reference>,
    /// The key of Nango's integration that has the connection: 1 to 512 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) provider_config_key: Option<Reference>,
    /// The account at the service: 1 to 512 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) account: Option<Reference>,
    /// `active`, or `suspended` to stop runs. Only services set the other statuses.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) status: Option<SettableStatus>,
    /// A secret that replaces all earlier ones at once: 1 to 1024 bytes.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) secret: Option<WebhookSecret>,
    /// A credential that replaces the current one; null removes it. A new credential also
    /// ends the statuses `error` and `needs_reauth`.
    #[serde(default, deserialize_with = "object_or_null")]
    #[schema(value_type = Option<CredentialBody>, required = false, write_only)]
    pub(super) credential: Patch<CredentialBody>,
}

/// The statuses that a person can set.
const SETTABLE: [IntegrationStatus; 2] = [IntegrationStatus::Active, IntegrationStatus::Suspended];

/// A status that a person sets. Another status is an error of the check.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct SettableStatus(IntegrationStatus);

impl SettableStatus {
    /// Checks the status, and returns it.
    pub(super) fn check(self, checks: &mut Checks) -> IntegrationStatus {
        if !SETTABLE.contains(&self.0) {
            let [active, suspended] = SETTABLE;
            checks.add("/status", format!("expected {active} or {suspended}"));
        }
        self.0
    }
}

impl PartialSchema for SettableStatus {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(SETTABLE.map(IntegrationStatus::as_str)))
            .into()
    }
}

impl ToSchema for SettableStatus {}
