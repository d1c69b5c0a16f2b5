//! Webhook secrets on their way into the store: never in the clear.

use crate::secret::{MasterKey, Secret, secret_context};
use crate::store::SealedSecret;
use uuid::Uuid;

/// A new row for a secret, which does not expire.
pub fn seal_secret(master_key: &MasterKey, secret: &Secret) -> SealedSecret {
    let id = Uuid::now_v7();
    SealedSecret {
        id,
        sealed: master_key.seal(secret.expose().as_bytes(), &secret_context(id)),
        expires_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_in_its_own_row_only() {
        let key = MasterKey::generate();
        let sealed = seal_secret(&key, &Secret::from("hunter2"));
        let opened = key.open_secret(&sealed.sealed, &secret_context(sealed.id));
        assert_eq!(opened.unwrap().expose(), "hunter2");
        let elsewhere = secret_context(Uuid::now_v7());
        assert!(key.open_secret(&sealed.sealed, &elsewhere).is_err());
    }
}
