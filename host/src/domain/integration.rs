//! An integration, and how its state follows what its service says about it.

use crate::domain::credential::CredentialKind;
use crate::domain::{IntegrationId, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// A connection of an organization to one account of one provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Integration {
    /// Its id.
    pub id: IntegrationId,
    /// The provider.
    pub provider: String,
    /// For people.
    pub name: Option<String>,
    /// The id of the connection at whoever manages it.
    pub connection_id: Option<String>,
    /// The account at the service: an installation, a workspace. App-level
    /// deliveries find the integration by it.
    pub account: Option<String>,
    /// Whether deliveries for it start runs.
    pub status: IntegrationStatus,
    /// Why it is in this status, if its service said so.
    pub status_reason: Option<String>,
    /// Whether a webhook secret is set.
    pub has_secret: bool,
    /// What kind of credential is set, with which it is polled; null if none is.
    pub credential_type: Option<CredentialKind>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Whether an integration works. One that does not is not polled, and deliveries for it
/// are kept, and say why they started no run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationStatus {
    /// It does.
    Active,
    /// Switched off, here or at the service.
    Suspended,
    /// Its credential no longer works at whoever manages it.
    Error,
    /// Its service refused the credential: polling stops until there is a new one.
    /// Deliveries, which need no credential, still start runs.
    NeedsReauth,
    /// The connection or installation is gone at the service.
    Deleted,
}

impl IntegrationStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Active,
        Self::Suspended,
        Self::Error,
        Self::NeedsReauth,
        Self::Deleted,
    ];

    /// The status as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Error => "error",
            Self::NeedsReauth => "needs_reauth",
            Self::Deleted => "deleted",
        }
    }
}

impl FromStr for IntegrationStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| {
                format!("expected active, suspended, error, needs_reauth or deleted, got {text:?}")
            })
    }
}

/// Who put an integration into its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusSetter {
    /// Somebody, over the API.
    Person,
    /// The service, or whoever manages the connection.
    Service,
}

impl StatusSetter {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
        }
    }
}

impl FromStr for StatusSetter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Person, Self::Service]
            .into_iter()
            .find(|setter| setter.as_str() == text)
            .ok_or_else(|| format!("expected person or service, got {text:?}"))
    }
}

/// What a service says about a connection or an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// It was made, or made anew.
    Connected,
    /// Its credential works again, or there is a new one.
    Refreshed,
    /// Its credential no longer works.
    RefreshFailed,
    /// It was switched off.
    Suspended,
    /// It was switched on again.
    Resumed,
    /// It is gone.
    Deleted,
}

impl Lifecycle {
    /// The status that follows, if it is another one.
    ///
    /// A suspension by a person is not lifted by a service: whoever switched an
    /// integration off does not want its runs to start again by themselves.
    pub fn follow(
        self,
        status: IntegrationStatus,
        set_by: StatusSetter,
    ) -> Option<IntegrationStatus> {
        use IntegrationStatus::{Active, Deleted, Error, NeedsReauth, Suspended};
        let next = match (self, status) {
            (Self::Deleted, _) => Deleted,
            (_, Suspended) if set_by == StatusSetter::Person => return None,
            (Self::Connected, _)
            | (Self::Refreshed, Error | NeedsReauth)
            | (Self::Resumed, Suspended) => Active,
            (Self::RefreshFailed, Active | NeedsReauth) => Error,
            (Self::Suspended, Active | Error | NeedsReauth) => Suspended,
            _ => return None,
        };
        (next != status).then_some(next)
    }
}

impl fmt::Display for IntegrationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use IntegrationStatus::{Active, Deleted, Error, Suspended};

    #[test]
    fn the_whole_table() {
        let after = |news: Lifecycle| {
            IntegrationStatus::ALL.map(|status| news.follow(status, StatusSetter::Service))
        };
        let (active, suspended) = (Some(Active), Some(Suspended));
        let (error, deleted) = (Some(Error), Some(Deleted));
        // From active, suspended, error, needs_reauth, deleted.
        let expected = [
            (Lifecycle::Connected, [None, active, active, active, active]),
            (Lifecycle::Refreshed, [None, None, active, active, None]),
            (Lifecycle::RefreshFailed, [error, None, None, error, None]),
            (
                Lifecycle::Suspended,
                [suspended, None, suspended, suspended, None],
            ),
            (Lifecycle::Resumed, [None, active, None, None, None]),
            (
                Lifecycle::Deleted,
                [deleted, deleted, deleted, deleted, None],
            ),
        ];
        for (news, next) in expected {
            assert_eq!(after(news), next, "{news:?}");
        }
    }

    #[test]
    fn only_a_deletion_ends_a_suspension_by_a_person() {
        let after = |news: Lifecycle| news.follow(Suspended, StatusSetter::Person);
        for news in [
            Lifecycle::Connected,
            Lifecycle::Refreshed,
            Lifecycle::Resumed,
        ] {
            assert_eq!(after(news), None, "{news:?}");
        }
        assert_eq!(after(Lifecycle::Deleted), Some(Deleted));
    }
}
