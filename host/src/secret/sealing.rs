//! Sealing: how secrets and credentials are encrypted for the database, and the place
//! that each of them is bound to.
//!
//! A sealed value is `version (1) | nonce (24) | ciphertext and tag`, encrypted with
//! XChaCha20-Poly1305. Its nonce is long enough to be random for any number of values.

use crate::domain::IntegrationId;
use crate::secret::{MasterKey, Secret};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use std::fmt;
use uuid::Uuid;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;

/// The place that a sealed value is bound to. Copied to another place, it does not open.
///
/// The text of a place is part of every sealed value, so it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedPlace {
    /// A secret that signs webhooks or messages, by its row.
    SigningSecret(Uuid),
    /// The credential of an integration.
    Credential {
        /// The integration.
        integration: IntegrationId,
        /// A new id for each replacement: an old value does not open in the new one's
        /// place.
        seal_id: Uuid,
    },
    /// The access token that a credential was exchanged for.
    AccessToken {
        /// The integration.
        integration: IntegrationId,
        /// The credential's own seal id.
        seal_id: Uuid,
    },
}

impl fmt::Display for SealedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SigningSecret(id) => write!(f, "{id}"),
            Self::Credential {
                integration,
                seal_id,
            } => write!(f, "credentials.sealed {integration} {seal_id}"),
            Self::AccessToken {
                integration,
                seal_id,
            } => write!(f, "credentials.access_sealed {integration} {seal_id}"),
        }
    }
}

/// A sealed value that does not open. Retrying does not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A later release sealed it, or it is not sealed at all.
    #[error("the sealed value has an unknown form")]
    UnknownForm,
    /// Another key, another place, or changed bytes.
    #[error("the sealed value was made under another key or for another place, or was changed")]
    NotAuthentic,
}

impl MasterKey {
    /// Seals `plaintext` for one place.
    pub fn seal(&self, plaintext: &[u8], place: SealedPlace) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload {
            msg: plaintext,
            aad: &associated_data(place),
        };
        #[expect(
            clippy::expect_used,
            reason = "the cipher's only error is a plaintext over 256 GiB"
        )]
        let ciphertext = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .expect("shorter than 256 GiB");
        [&[VERSION], nonce.as_slice(), &ciphertext].concat()
    }

    /// Opens a value that `seal` made for the same place.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(&self, sealed: &[u8], place: SealedPlace) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (version, rest) = sealed.split_first().ok_or(OpenError::UnknownForm)?;
        if *version != VERSION {
            return Err(OpenError::UnknownForm);
        }
        let (nonce, ciphertext) = rest
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(OpenError::UnknownForm)?;
        let payload = Payload {
            msg: ciphertext,
            aad: &associated_data(place),
        };
        self.cipher()
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| OpenError::NotAuthentic)
    }

    /// Seals a text for one place.
    pub fn seal_secret(&self, secret: &Secret, place: SealedPlace) -> Vec<u8> {
        self.seal(secret.expose().as_bytes(), place)
    }

    /// Opens a sealed text.
    ///
    /// # Errors
    /// See [`OpenError`]; `UnknownForm` also if the value is not UTF-8.
    pub fn open_secret(&self, sealed: &[u8], place: SealedPlace) -> Result<Secret, OpenError> {
        let bytes = self.open(sealed, place)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| OpenError::UnknownForm)?;
        Ok(Secret::from(text))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.bytes()).into())
    }
}

/// Version and place. The version has a fixed length, so no two pairs give the same bytes.
fn associated_data(place: SealedPlace) -> Vec<u8> {
    [&[VERSION], place.to_string().as_bytes()].concat()
}

#[cfg(test)]
mod tests;
