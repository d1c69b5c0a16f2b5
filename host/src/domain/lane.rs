//! The lane of a delivery: whose share of the workers it uses.
//!
//! Owns: how a lane follows from the owner of a delivery, or from what its sender is known
//! by before its owner is. Never does: decide how much a lane may use.

use super::OrgId;
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

    /// The lane of what arrived at a URL that many organizations share, for one account.
    pub fn of_account(url: &str, provider: &str, account: &str) -> Self {
        Self::digest(&[url.as_bytes(), provider.as_bytes(), account.as_bytes()])
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

    #[test]
    fn accounts_of_a_shared_url_have_lanes_of_their_own() {
        let of = |account| Lane::of_account("account", "github", account);
        assert_eq!(of("1"), of("1"));
        assert_ne!(of("1"), of("2"));
        assert_ne!(of("acme"), Lane::of_org(&"acme".parse().unwrap()));
    }
}
