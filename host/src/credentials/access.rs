//! The access token for a poll, and the errors in its place.

use super::renewer::Outcome;
use crate::domain::Timestamp;
use crate::secret::Secret;
use crate::store::{RenewalOf, StoreError};
use std::time::Duration;
use uuid::Uuid;

/// The access token that a poll needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Any valid token; a stored one is fine.
    Any,
    /// A token newer than this one, which the service refused.
    NewerThan(AccessStamp),
}

/// The identity of one access token of an integration. The default is that of an
/// integration without a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessStamp(Option<(Uuid, i64)>);

/// The authentication of a poll's requests.
#[derive(Clone, Debug)]
pub struct Access {
    /// The token. None if the integration has no credential; not every provider needs one.
    pub secret: Option<Secret>,
    /// The credential's revision, which settles a refusal by the service
    /// ([`crate::store::PollDisposition::Unauthorized`]).
    pub revision: Option<Uuid>,
    /// The token's identity, for [`Want::NewerThan`].
    pub stamp: AccessStamp,
    /// True if a newer token can be requested. False for a token that never changes.
    pub is_renewable: bool,
}

/// No access token. The texts are meant for people and contain no secret.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A person has to set a new credential.
    #[error("{reason}")]
    NeedsReauth {
        /// The cause, for people.
        reason: String,
        /// The credential's revision, which settles this
        /// ([`crate::store::PollDisposition::Unauthorized`]).
        revision: Option<Uuid>,
    },
    /// A later try may succeed.
    #[error("{reason}")]
    Unavailable {
        /// The cause, for people.
        reason: String,
        /// The pause that the issuer asks for.
        retry_after: Option<Duration>,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Want {
    /// True if the service refused the token that the renewal `of` would replace, or a
    /// later one.
    pub(super) fn refuses(self, of: RenewalOf) -> bool {
        matches!(self, Self::NewerThan(AccessStamp(Some((revision, number))))
            if revision == of.revision && of.access_number <= number)
    }
}

impl Access {
    /// The access of an integration without a credential.
    pub(super) fn without_credential(want: Want) -> Result<Self, AccessError> {
        let stamp = AccessStamp::default();
        if want == Want::NewerThan(stamp) {
            return Err(AccessError::NeedsReauth {
                reason: "the service requires a credential, and the integration has none".into(),
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

    /// A token that changes only with its credential.
    pub(super) fn fixed(token: Secret, revision: Uuid, want: Want) -> Result<Self, AccessError> {
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
    /// The issuer asked for a pause. The pause is stored, so all replicas keep it.
    pub(super) fn paused(until: Timestamp, now: Timestamp) -> Self {
        let micros = u64::try_from(until.micros_since(now)).unwrap_or(0);
        Self::Unavailable {
            reason: format!("the issuer of access tokens asked to be left alone until {until}"),
            retry_after: Some(Duration::from_micros(micros)),
        }
    }

    /// The error of a renewal that brought no token.
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
