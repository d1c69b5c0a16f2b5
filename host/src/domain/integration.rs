//! An integration, and how its state follows what its service says about it.

use crate::domain::credential_kind::CredentialKind;
use crate::domain::text_enum::text_enum;
use crate::domain::{IntegrationId, Timestamp};
use serde::Serialize;
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

text_enum! {
    /// Whether an integration works. One that does not is not polled, and deliveries for it
    /// are kept, and say why they started no run.
    pub enum IntegrationStatus {
        /// It does.
        Active = "active",
        /// Switched off, here or at the service.
        Suspended = "suspended",
        /// Its credential no longer works at whoever manages it.
        Error = "error",
        /// Its service refused the credential: polling stops until there is a new one.
        /// Deliveries, which need no credential, still start runs.
        NeedsReauth = "needs_reauth",
        /// The connection or installation is gone at the service.
        Deleted = "deleted",
    }
}

text_enum! {
    /// Who put an integration into its status.
    pub enum StatusSetter {
        /// Somebody, over the API.
        Person = "person",
        /// The service, or whoever manages the connection.
        Service = "service",
    }
}

/// What a service says about a connection or an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionNews {
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

impl ConnectionNews {
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

#[cfg(test)]
mod tests {
    use super::*;
    use IntegrationStatus::{Active, Deleted, Error, Suspended};

    #[test]
    fn the_whole_table() {
        let after = |news: ConnectionNews| -> Vec<Option<IntegrationStatus>> {
            let statuses = IntegrationStatus::ALL.iter();
            statuses
                .map(|status| news.follow(*status, StatusSetter::Service))
                .collect()
        };
        let (active, suspended) = (Some(Active), Some(Suspended));
        let (error, deleted) = (Some(Error), Some(Deleted));
        // From active, suspended, error, needs_reauth, deleted.
        let expected = [
            (
                ConnectionNews::Connected,
                [None, active, active, active, active],
            ),
            (
                ConnectionNews::Refreshed,
                [None, None, active, active, None],
            ),
            (
                ConnectionNews::RefreshFailed,
                [error, None, None, error, None],
            ),
            (
                ConnectionNews::Suspended,
                [suspended, None, suspended, suspended, None],
            ),
            (ConnectionNews::Resumed, [None, active, None, None, None]),
            (
                ConnectionNews::Deleted,
                [deleted, deleted, deleted, deleted, None],
            ),
        ];
        for (news, next) in expected {
            assert_eq!(after(news), next, "{news:?}");
        }
    }

    #[test]
    fn only_a_deletion_ends_a_suspension_by_a_person() {
        let after = |news: ConnectionNews| news.follow(Suspended, StatusSetter::Person);
        for news in [
            ConnectionNews::Connected,
            ConnectionNews::Refreshed,
            ConnectionNews::Resumed,
        ] {
            assert_eq!(after(news), None, "{news:?}");
        }
        assert_eq!(after(ConnectionNews::Deleted), Some(Deleted));
    }
}
