//! The lane of a delivery: whose share of the workers it uses.
//!
//! Owns: how a lane follows from the owner of a delivery, or from what its sender is known
//! by before its owner is. Never does: decide how much a lane may use.

use super::OrgId;
use super::delivery::Origin;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A digest of an organization, or of an account that no organization is known for yet.
/// Workers serve lanes in turn, so that a long one does not delay a short one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub Uuid);

impl Lane {
    /// The lane of everything that belongs to an organization.
    pub fn of_org(org: &OrgId) -> Self {
        Self::digest(&[b"org", org.as_str().as_bytes()])
    }

    /// The lane of a delivery that arrived on this route. `account` is what a delivery to
    /// a shared URL says about its owner.
    pub fn of(origin: &Origin, account: Option<&str>) -> Self {
        if let Some(org) = &origin.org {
            return Self::of_org(org);
        }
        let provider = origin.provider.as_bytes();
        let account = account.unwrap_or_default().as_bytes();
        Self::digest(&[origin.route.as_str().as_bytes(), provider, account])
    }

    fn digest(parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(part);
            digest.update([0]);
        }
        let mut lane = [0; 16];
        lane.copy_from_slice(&digest.finalize()[..16]);
        Self(Uuid::from_bytes(lane))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::Route;

    #[test]
    fn accounts_of_a_shared_url_have_lanes_of_their_own() {
        let origin = |org: Option<&str>| Origin {
            route: Route::Account,
            provider: "github".into(),
            org: org.map(|org| org.parse().unwrap()),
            trigger: None,
            integration: None,
        };
        let shared = origin(None);
        assert_ne!(Lane::of(&shared, Some("1")), Lane::of(&shared, Some("2")));
        assert_ne!(Lane::of(&shared, Some("1")), Lane::of(&shared, None));
        let acme = Lane::of_org(&"acme".parse().unwrap());
        assert_eq!(Lane::of(&origin(Some("acme")), Some("1")), acme);
    }
}
