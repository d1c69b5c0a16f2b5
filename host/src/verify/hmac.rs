//! HMAC (RFC 2104), the one implementation behind every scheme that signs.

use crate::domain::source::HashAlgorithm;
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

/// Bytes of the longest tag: SHA-512.
const TAG_BYTES_MAX: usize = 64;

/// The output of an HMAC.
pub(super) struct Tag {
    bytes: [u8; TAG_BYTES_MAX],
    len: usize,
}

impl Tag {
    /// Compares in constant time for a given length of `candidate`.
    pub(super) fn matches(&self, candidate: &[u8]) -> bool {
        self.as_bytes().ct_eq(candidate).into()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The length of a hash function's tag, in bytes.
pub(super) const fn tag_bytes(hash: HashAlgorithm) -> usize {
    match hash {
        HashAlgorithm::Sha1 => 20,
        HashAlgorithm::Sha256 => 32,
        HashAlgorithm::Sha512 => 64,
    }
}

/// The tag of `parts`, joined without a separator. Does not copy them.
pub(super) fn tag(hash: HashAlgorithm, key: &[u8], parts: &[&[u8]]) -> Tag {
    match hash {
        HashAlgorithm::Sha1 => compute::<Sha1>(key, parts),
        HashAlgorithm::Sha256 => compute::<Sha256>(key, parts),
        HashAlgorithm::Sha512 => compute::<Sha512>(key, parts),
    }
}

#[expect(
    clippy::expect_used,
    reason = "HMAC hashes long keys and pads short ones, so no length is invalid"
)]
fn compute<D: EagerHash>(key: &[u8], parts: &[&[u8]]) -> Tag
where
    Hmac<D>: Mac + KeyInit,
{
    let mut mac = <Hmac<D> as KeyInit>::new_from_slice(key).expect("any key length is valid");
    for part in parts {
        mac.update(part);
    }
    let output = mac.finalize().into_bytes();
    let mut bytes = [0; TAG_BYTES_MAX];
    bytes[..output.len()].copy_from_slice(&output);
    Tag {
        bytes,
        len: output.len(),
    }
}

#[cfg(test)]
mod tests;
