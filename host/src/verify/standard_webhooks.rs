//! Standard Webhooks 1.0 (<https://www.standardwebhooks.com>) with symmetric keys (`v1`), and
//! with both ways in which senders turn the secret into the key. Ignores signatures of other
//! versions.
//!
//! Does without the crate `standardwebhooks`, which reads the system clock, fixes tolerance
//! and header names, accepts repeated headers, and rejects bodies that are not UTF-8.

use crate::domain::Timestamp;
use crate::domain::source::TimestampUnit;
use crate::domain::source::{
    HashAlgorithm, SignatureEncoding, StandardWebhooksKey, StandardWebhooksScheme,
};
use crate::secret::{SECRET_PREFIX, Secret};
use crate::verify::hmac::{self, Tag};
use crate::verify::timestamp::{self, Stamp, digits};
use crate::verify::{Request, VerifyError, signature};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

pub(super) const HASH: HashAlgorithm = HashAlgorithm::Sha256;
pub(super) const VERSION: &str = "v1,";

/// Tolerates a missing `=` at the end, which people lose when they paste a secret. The key is
/// the same.
const SECRET_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The names of a scheme's three headers.
pub(super) struct Names {
    pub(super) id: String,
    pub(super) timestamp: String,
    pub(super) signature: String,
}

impl Names {
    pub(super) fn of(scheme: &StandardWebhooksScheme) -> Self {
        let prefix = &scheme.prefix;
        Self {
            id: format!("{prefix}-id"),
            timestamp: format!("{prefix}-timestamp"),
            signature: format!("{prefix}-signature"),
        }
    }
}

/// Verifies the signature, then the freshness.
pub(super) fn verify(
    scheme: &StandardWebhooksScheme,
    secrets: &[&Secret],
    request: &Request<'_>,
) -> Result<(), VerifyError> {
    let names = Names::of(scheme);
    let signatures = request
        .sole_header(&names.signature)?
        .ok_or(VerifyError::MissingSignature)?;
    let candidates = candidates(signatures);
    if candidates.is_empty() {
        return Err(VerifyError::MalformedSignature);
    }
    let id = request
        .sole_header(&names.id)?
        .ok_or(VerifyError::MissingSignedHeader)?;
    // With a full stop in the id, `id.timestamp.body` would be ambiguous.
    if id.is_empty() || id.contains(&b'.') {
        return Err(VerifyError::MalformedSignedHeader);
    }
    let stamp = request
        .sole_header(&names.timestamp)?
        .map(Stamp::new)
        .ok_or(VerifyError::MissingTimestamp)?;
    let time = stamp.time(TimestampUnit::Seconds)?;

    let keys: Vec<_> = secrets
        .iter()
        .filter_map(|secret| key(scheme.key, secret))
        .collect();
    if keys.is_empty() {
        return Err(VerifyError::UnusableSecret);
    }
    let is_right = keys.iter().any(|key| {
        let tag = tag(key, id, stamp.text(), request.body());
        candidates.iter().any(|candidate| tag.matches(candidate))
    });
    if !is_right {
        return Err(VerifyError::WrongSignature);
    }
    timestamp::check(time, scheme.tolerance_seconds, request.received_at())
}

fn candidates(value: &[u8]) -> Vec<Vec<u8>> {
    value
        .split(|byte| *byte == b' ')
        .filter_map(|entry| entry.strip_prefix(VERSION.as_bytes()))
        .filter_map(|text| {
            signature::decode(SignatureEncoding::Base64, text, hmac::tag_bytes(HASH))
        })
        .collect()
}

/// The tag of `id.timestamp.body`.
pub(super) fn tag(key: &[u8], id: &[u8], timestamp: &[u8], body: &[u8]) -> Tag {
    hmac::tag(HASH, key, &[id, b".", timestamp, b".", body])
}

/// Signs one of the host's own messages with each of `secrets`. A receiver that knows any of
/// them accepts it. None if no secret has the scheme's form.
pub fn signatures(
    secrets: &[Secret],
    id: &str,
    signed_at: Timestamp,
    body: &[u8],
) -> Option<StandardSignature> {
    let timestamp = digits(signed_at, TimestampUnit::Seconds);
    let signatures: Vec<String> = secrets
        .iter()
        .filter_map(|secret| key(StandardWebhooksKey::Base64, secret))
        .map(|key| {
            let tag = tag(&key, id.as_bytes(), timestamp.as_bytes(), body);
            format!("{VERSION}{}", STANDARD.encode(tag.as_bytes()))
        })
        .collect();
    (!signatures.is_empty()).then(|| StandardSignature {
        timestamp,
        signature: signatures.join(" "),
    })
}

/// The headers that sign one of the host's own messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandardSignature {
    /// The value of `webhook-timestamp`, in seconds since 1970.
    pub timestamp: String,
    /// The value of `webhook-signature`.
    pub signature: String,
}

/// The key in a secret; none if the secret is empty or lacks the scheme's form.
pub(super) fn key(kind: StandardWebhooksKey, secret: &Secret) -> Option<Zeroizing<Vec<u8>>> {
    let text = secret.expose();
    let key = match kind {
        StandardWebhooksKey::Base64 => {
            let text = text.strip_prefix(SECRET_PREFIX).unwrap_or(text);
            SECRET_BASE64.decode(text).ok()?
        }
        StandardWebhooksKey::Raw => text.as_bytes().to_vec(),
    };
    (!key.is_empty()).then(|| Zeroizing::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_without_its_prefix_or_padding_is_the_same_key() {
        let key_of = |text: &str| key(StandardWebhooksKey::Base64, &Secret::from(text)).unwrap();
        let expected = key_of("whsec_AQIDBA==");
        assert_eq!(*expected, [1, 2, 3, 4]);
        assert_eq!(key_of("AQIDBA=="), expected);
        assert_eq!(key_of("AQIDBA"), expected);
    }

    #[test]
    fn a_secret_of_the_wrong_form_is_no_key() {
        for text in ["whsec_", "whsec_not base64", "whsec_whsec_AQIDBA=="] {
            let secret = Secret::from(text);
            assert!(
                key(StandardWebhooksKey::Base64, &secret).is_none(),
                "{text}"
            );
        }
    }

    #[test]
    fn each_live_secret_signs() {
        // From https://github.com/standard-webhooks/standard-webhooks, its libraries' tests.
        let secrets = [
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "no key",
            "AQIDBA==",
        ];
        let secrets = secrets.map(Secret::from);
        let at = Timestamp(1_614_265_330_999_999);
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signed = signatures(&secrets, id, at, br#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signed.timestamp, "1614265330");
        let both: Vec<_> = signed.signature.split(' ').collect();
        assert_eq!(both[0], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!((both.len(), both[1].len()), (2, both[0].len()));
        assert!(signatures(&secrets[1..2], id, at, b"{}").is_none());
    }

    #[test]
    fn a_raw_secret_is_taken_as_it_stands() {
        let secret = Secret::from("whsec_AQIDBA==");
        let key = key(StandardWebhooksKey::Raw, &secret).unwrap();
        assert_eq!(key.as_slice(), b"whsec_AQIDBA==");
    }
}
