//! The bodies that create and change integrations.

use super::credential_body::{CredentialBody, object, object_or_null};
use crate::api::check::Checks;
use crate::api::extract::present;
use crate::domain::integration::IntegrationStatus;
use crate::domain::patch::Patch;
use crate::secret::Secret;
use serde::Deserialize;
use utoipa::ToSchema;

/// An integration to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewIntegration)]
pub(super) struct Creation {
    /// The provider: registered and enabled.
    pub(super) provider: String,
    /// A name for people: one line of 1 to 200 characters.
    pub(super) name: Option<String>,
    /// The connection's id at the service that manages it, for example Nango: 1 to 512
    /// characters.
    pub(super) connection_id: Option<String>,
    /// The account at the service, for example an installation or a workspace: 1 to 512
    /// characters. App-level deliveries find the integration by it.
    pub(super) account: Option<String>,
    /// The secret that signs deliveries: 1 to 1024 bytes. It is never shown again.
    #[schema(value_type = Option<String>, write_only)]
    pub(super) secret: Option<Secret>,
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
    pub(super) name: Option<String>,
    /// The connection's id at the service that manages it: 1 to 512 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) connection_id: Option<String>,
    /// The account at the service: 1 to 512 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) account: Option<String>,
    /// `active`, or `suspended` to stop runs. Only services set the other statuses.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) status: Option<IntegrationStatus>,
    /// A secret that replaces all earlier ones at once: 1 to 1024 bytes.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, nullable = false, required = false, write_only)]
    pub(super) secret: Option<Secret>,
    /// A credential that replaces the current one; null removes it. A new credential also
    /// ends the statuses `error` and `needs_reauth`.
    #[serde(default, deserialize_with = "object_or_null")]
    #[schema(value_type = Option<CredentialBody>, required = false, write_only)]
    pub(super) credential: Patch<CredentialBody>,
}

/// Checks a status that a person sets.
pub(super) fn check_status(checks: &mut Checks, status: Option<IntegrationStatus>) {
    match status {
        None | Some(IntegrationStatus::Active | IntegrationStatus::Suspended) => {}
        Some(
            IntegrationStatus::Error | IntegrationStatus::NeedsReauth | IntegrationStatus::Deleted,
        ) => {
            checks.add("/status", "expected active or suspended");
        }
    }
}
