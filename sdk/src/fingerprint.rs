//! An identity made from a payload, where a service gives none.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// A SHA-256 over named parts, for dedup keys: equal for equal parts, and
/// different wherever a name or a value differs.
///
/// ```
/// # use triggerhouse_sdk::Fingerprint;
/// let key = Fingerprint::default().part("action", "opened").part("id", "7").hex();
/// assert_eq!(key.len(), 64);
/// assert_ne!(key, Fingerprint::default().part("action", "opened7").part("id", "").hex());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    /// Adds a part. The lengths keep neighbours apart.
    #[must_use]
    pub fn part(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        for bytes in [name.as_bytes(), value.as_ref()] {
            self.0.update((bytes.len() as u64).to_be_bytes());
            self.0.update(bytes);
        }
        self
    }

    /// 64 hexadecimal digits.
    pub fn hex(self) -> String {
        self.0
            .finalize()
            .iter()
            .fold(String::with_capacity(64), |mut text, byte| {
                // Writing to a string cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
    }
}
