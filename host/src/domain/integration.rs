//! An integration, and the changes of its status that its service reports.

use crate::domain::credential_kind::CredentialKind;
use crate::domain::text_enum::text_enum;
use crate::domain::{IntegrationId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// A connection of an organization to one account of one provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Integration {
    /// The id of the integration.
    pub id: IntegrationId,
    /// The id of the provider.
    pub provider: String,
    /// The display name.
    pub name: Option<String>,
    /// The id of the connection at the service that manages it, such as Nango.
    pub connection_id: Option<String>,
    /// The key of the service's integration that has the connection; null if none is set and
    /// none was learned from a message. Such an integration gets the messages for its
    /// `connection_id` under any key, as long as there is one.
    pub provider_config_key: Option<String>,
    /// The keys under which messages for the same `connection_id` arrived, separated by
    /// commas, if that leaves in doubt whom they are for: then they start nothing. A new
    /// `provider_config_key` ends the doubt. Null without such a doubt.
    pub ambiguous_keys: Option<String>,
    /// The account at the service: an installation, a workspace. App-level deliveries are
    /// matched to the integration by it.
    pub account: Option<String>,
    /// The status of the integration.
    pub status: IntegrationStatus,
    /// The reason for the status, if the service gave one.
    pub status_reason: Option<String>,
    /// The time since which the integration is on hold: its deliveries are stored and wait.
    pub held_at: Option<Timestamp>,
    /// True if a webhook secret is set.
    pub has_secret: bool,
    /// The kind of the credential for polling; null if none is set.
    pub credential_type: Option<CredentialKind>,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of the last change.
    pub updated_at: Timestamp,
}

text_enum! {
    /// The status of an integration. Only an active one is polled. Deliveries for one that
    /// does not work are stored with the reason why they started no run.
    pub enum IntegrationStatus {
        /// The integration works.
        Active = "active",
        /// Suspended, here or at the service.
        Suspended = "suspended",
        /// The service that manages the connection can no longer use its credential.
        Error = "error",
        /// The service refused the credential: polling stops until it is replaced.
        /// Deliveries need no credential and still start runs.
        NeedsReauth = "needs_reauth",
        /// The connection or installation is gone at the service.
        Deleted = "deleted",
    }
}

text_enum! {
    /// The actor that set an integration's status.
    pub enum StatusSetter {
        /// A person, through the API.
        Person = "person",
        /// The service, or the manager of the connection.
        Service = "service",
    }
}

/// A service's news about a connection or an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionNews {
    /// The connection was created or replaced.
    Connected,
    /// The credential works again, or was replaced.
    Refreshed,
    /// The credential no longer works.
    RefreshFailed,
    /// The connection was suspended.
    Suspended,
    /// The suspension was lifted.
    Resumed,
    /// The connection was deleted.
    Deleted,
}

impl ConnectionNews {
    /// The status after the news, if it changes.
    ///
    /// A service never lifts a suspension by a person, who does not expect runs to start
    /// again.
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
