//! What whoever polls is given, and what they are told when there is nothing to give.

use super::renewer::Outcome;
use crate::domain::Timestamp;
use crate::secret::Secret;
use crate::store::{RenewalOf, StoreError};
use std::time::Duration;
use uuid::Uuid;

/// Which access token will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// One that is kept will do while it is good.
    Any,
    /// The service refused the one with this stamp: another one.
    NewerThan(AccessStamp),
}

/// Tells one access token of an integration from another. The one of an integration
/// without a credential is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessStamp(Option<(Uuid, i64)>);

/// What to attach to a poll's requests.
#[derive(Clone, Debug)]
pub struct Access {
    /// The token; none if the integration has no credential, which a provider may not
    /// need.
    pub secret: Option<Secret>,
    /// Of the credential: with it, a refusal by the service is settled
    /// ([`crate::store::PollDisposition::Unauthorized`]).
    pub revision: Option<Uuid>,
    /// For [`Want::NewerThan`].
    pub stamp: AccessStamp,
    /// Whether asking for a newer one can help. Not if it is a token that was given.
    pub is_renewable: bool,
}

/// Why there is no access token. The texts are fit for people, and hold no secret.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// There will be none before somebody sets a new credential.
    #[error("{reason}")]
    NeedsReauth {
        /// Why.
        reason: String,
        /// Of the credential: with it, this is settled
        /// ([`crate::store::PollDisposition::Unauthorized`]).
        revision: Option<Uuid>,
    },
    /// There may be one later.
    #[error("{reason}")]
    Unavailable {
        /// Why.
        reason: String,
        /// When, if whoever issues them says so.
        retry_after: Option<Duration>,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Want {
    /// Whether the service refused the access token that a renewal would replace, or a
    /// later one.
    pub(super) fn refuses(self, of: RenewalOf) -> bool {
        matches!(self, Self::NewerThan(AccessStamp(Some((revision, number))))
            if revision == of.revision && of.access_number <= number)
    }
}

impl Access {
    /// What an integration has that has no credential.
    pub(super) fn without_credential(want: Want) -> Result<Self, AccessError> {
        let stamp = AccessStamp::default();
        if want == Want::NewerThan(stamp) {
            return Err(AccessError::NeedsReauth {
                reason: "the service wants a credential, and the integration has none".into(),
                revision: None,
            });
        }
        Ok(Self {
            secret: None,
            revision: None,
            stamp,
            is_renewable: false,
        })
    }

    /// A token that was given: it does not change but with its credential.
    pub(super) fn given(token: Secret, revision: Uuid, want: Want) -> Result<Self, AccessError> {
        let stamp = AccessStamp(Some((revision, 0)));
        if want == Want::NewerThan(stamp) {
            return Err(AccessError::NeedsReauth {
                reason: "the service refused the token".into(),
                revision: Some(revision),
            });
        }
        Ok(Self {
            secret: Some(token),
            revision: Some(revision),
            stamp,
            is_renewable: false,
        })
    }

    /// A token that the renewal `of` would replace.
    pub(super) fn renewable(token: Secret, of: RenewalOf) -> Self {
        Self {
            secret: Some(token),
            revision: Some(of.revision),
            stamp: AccessStamp(Some((of.revision, of.access_number))),
            is_renewable: true,
        }
    }
}

impl AccessError {
    /// Whoever issues tokens asked for a pause, of which the replicas know from each
    /// other.
    pub(super) fn left_alone(until: Timestamp, now: Timestamp) -> Self {
        let micros = u64::try_from(until.micros_since(now)).unwrap_or(0);
        Self::Unavailable {
            reason: format!("whoever issues access tokens wants to be left alone until {until}"),
            retry_after: Some(Duration::from_micros(micros)),
        }
    }

    /// What a renewal came to that brought nothing.
    pub(super) fn of(outcome: Outcome, revision: Uuid) -> Self {
        match outcome {
            Outcome::NeedsReauth { reason } => Self::NeedsReauth {
                reason,
                revision: Some(revision),
            },
            Outcome::Unavailable {
                reason,
                retry_after,
            } => Self::Unavailable {
                reason,
                retry_after,
            },
            Outcome::Stored | Outcome::Overtaken => Self::Unavailable {
                reason: "another replica is still renewing the access token".into(),
                retry_after: None,
            },
        }
    }
}
