//! Identities for dedup keys: an id of the service, or a hash of the payload where the
//! service gives none.

use crate::payload::Payload;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Bytes of an id that stays readable in a key. Services send 36 to 64; a whole key may
/// have [`DEDUP_KEY_BYTES_MAX`](crate::limits::DEDUP_KEY_BYTES_MAX).
const ID_BYTES_MAX: usize = 200;

/// The key of an occurrence that its service numbers: `<provider>:<id>`. A hash of `name`
/// and id replaces an id that is too long.
///
/// ```
/// # use triggerhouse_sdk::dedup_key;
/// assert_eq!(dedup_key("github", "guid", "72d3162e"), "github:72d3162e");
/// ```
pub fn dedup_key(provider: &str, name: &str, id: &str) -> String {
    if id.len() <= ID_BYTES_MAX {
        return format!("{provider}:{id}");
    }
    let hash = Fingerprint::default().part(name, id).hex();
    format!("{provider}:{hash}")
}

/// A SHA-256 over named parts: equal for equal parts, and different wherever a name or a
/// value differs.
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
    /// Adds the values of a payload at these JSON Pointers, each named by its pointer.
    /// Missing values and `null` add nothing.
    #[must_use]
    pub fn pointers(self, payload: &Payload<'_>, pointers: &[&str]) -> Self {
        let add = |fingerprint: Self, pointer: &&str| match payload.value_at(pointer) {
            None => fingerprint,
            Some(Value::String(text)) => fingerprint.part(pointer, text),
            Some(value) => fingerprint.part(pointer, value.to_string()),
        };
        pointers.iter().fold(self, add)
    }

    /// Adds a part. Its lengths are hashed too, which keeps neighbors apart.
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_id_of_any_length_makes_a_key_within_the_limit() {
        let id = "72d3162e-cc78-11e3-81ab-4c9367dc0958";
        assert_eq!(dedup_key("p", "id", id), format!("p:{id}"));
        assert_eq!(
            dedup_key("p", "id", &"é".repeat(500)).len(),
            "p:".len() + 64
        );
    }

    #[test]
    fn a_fingerprint_of_pointers_takes_every_value_but_null() {
        let hash = |value: Value| {
            Fingerprint::default()
                .pointers(&Payload::new(&value), &["/a", "/b/c"])
                .hex()
        };
        assert_eq!(
            hash(json!({"a": null, "d": 1})),
            Fingerprint::default().hex()
        );
        let text = Fingerprint::default().part("/a", "7").hex();
        assert_eq!(hash(json!({"a": "7"})), text);
        assert_eq!(hash(json!({"a": 7})), text);
        assert_ne!(hash(json!({"b": {"c": "7"}})), text);
        assert_ne!(hash(json!({"a": [7]})), text);
    }
}
