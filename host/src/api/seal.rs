//! Rows for new signing secrets.

use crate::secret::{MasterKey, SealedPlace, Secret};
use crate::store::SealedSecret;
use uuid::Uuid;

/// A row for a new secret, which does not expire.
pub fn seal_secret(master_key: &MasterKey, secret: &Secret) -> SealedSecret {
    let id = Uuid::now_v7();
    SealedSecret {
        id,
        sealed: master_key.seal_secret(secret, SealedPlace::SigningSecret(id)),
        expires_at: None,
    }
}
