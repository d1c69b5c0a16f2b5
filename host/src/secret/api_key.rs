//! API keys. They are random, so a plain digest is enough to store: a slow hash protects
//! only texts that can be guessed.

use crate::secret::Secret;
use crate::secret::generate::random;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The prefix of every key. Scanners find a leaked key by it.
pub const API_KEY_PREFIX: &str = "th_";

/// A new key: `th_` and 43 characters that hold 256 random bits.
pub fn generate_api_key() -> Secret {
    Secret::from(format!(
        "{API_KEY_PREFIX}{}",
        URL_SAFE_NO_PAD.encode(*random())
    ))
}

/// The digest that is stored: SHA-256 of the key's text. A lookup by it needs no constant
/// time, because nobody can choose a digest byte by byte.
pub fn hash_api_key(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_recognized_by_its_digest_only() {
        let key = generate_api_key();
        assert_eq!(key.expose().len(), 46);
        assert!(key.expose().starts_with("th_"));
        assert_eq!(hash_api_key(key.expose()), hash_api_key(key.expose()));
        assert_ne!(
            hash_api_key(key.expose()),
            hash_api_key(generate_api_key().expose())
        );
        assert_eq!(
            hex::encode(hash_api_key("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
