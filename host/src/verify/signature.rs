//! Signatures in a header's value: their position and their encoding.

use crate::domain::source::{HmacScheme, SignatureEncoding, SignaturePosition};
use crate::verify::VerifyError;
use crate::verify::hmac::tag_bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The signatures in a header's value that have the scheme's form; more than one only in a
/// list.
///
/// # Errors
/// `MissingSignature` if a list has no entry with the scheme's name, `MalformedSignature` if
/// no signature has the scheme's encoding and length.
pub(super) fn candidates(scheme: &HmacScheme, value: &[u8]) -> Result<Vec<Vec<u8>>, VerifyError> {
    let tag_bytes = tag_bytes(scheme.hash);
    let texts: Vec<&[u8]> = match &scheme.position {
        SignaturePosition::Whole => vec![value],
        SignaturePosition::Prefixed(prefix) => {
            let text = value
                .strip_prefix(prefix.as_bytes())
                .ok_or(VerifyError::MalformedSignature)?;
            vec![text]
        }
        SignaturePosition::ListField(name) => list_field(value, name).collect(),
    };
    if texts.is_empty() {
        return Err(VerifyError::MissingSignature);
    }
    let candidates: Vec<Vec<u8>> = texts
        .into_iter()
        .filter_map(|text| decode(scheme.encoding, text, tag_bytes))
        .collect();
    if candidates.is_empty() {
        return Err(VerifyError::MalformedSignature);
    }
    Ok(candidates)
}

/// The values of the entries called `name` in a comma-separated list of `name=value`. Ignores
/// blanks around an entry.
pub(super) fn list_field<'a>(value: &'a [u8], name: &str) -> impl Iterator<Item = &'a [u8]> {
    value.split(|byte| *byte == b',').filter_map(move |entry| {
        entry
            .trim_ascii()
            .strip_prefix(name.as_bytes())?
            .strip_prefix(b"=")
    })
}

/// Decodes a signature of exactly `tag_bytes` bytes; none for any other spelling than the one
/// that the encoding allows.
pub(super) fn decode(
    encoding: SignatureEncoding,
    text: &[u8],
    tag_bytes: usize,
) -> Option<Vec<u8>> {
    let bytes = match encoding {
        // `hex` also accepts upper case.
        SignatureEncoding::Hex if text.iter().any(u8::is_ascii_uppercase) => None,
        SignatureEncoding::Hex => hex::decode(text).ok(),
        SignatureEncoding::Base64 => STANDARD.decode(text).ok(),
    }?;
    (bytes.len() == tag_bytes).then_some(bytes)
}

/// Encodes a signature.
pub(super) fn encode(encoding: SignatureEncoding, tag: &[u8]) -> String {
    match encoding {
        SignatureEncoding::Hex => hex::encode(tag),
        SignatureEncoding::Base64 => STANDARD.encode(tag),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_read_in_one_spelling_only() {
        use SignatureEncoding::{Base64, Hex};
        assert_eq!(decode(Hex, b"0aff", 2), Some(vec![0x0a, 0xff]));
        for text in ["0AFF", "0aFf", "0af", "0aff ", "0x0aff", "", "0aff00"] {
            assert_eq!(decode(Hex, text.as_bytes(), 2), None, "{text:?}");
        }
        assert_eq!(decode(Base64, b"+/8=", 2), Some(vec![0xfb, 0xff]));
        // No padding, the URL alphabet, bits beyond the last byte, a blank.
        for text in ["+/8", "-_8=", "+/9=", "+/8= ", ""] {
            assert_eq!(decode(Base64, text.as_bytes(), 2), None, "{text:?}");
        }
    }

    #[test]
    fn a_list_gives_every_entry_of_a_name_and_no_other() {
        let value = b"t=1, v1=aa,v0=bb , v1=cc=,v11=dd,v1";
        let found: Vec<&[u8]> = list_field(value, "v1").collect();
        assert_eq!(found, [b"aa".as_slice(), b"cc="]);
    }
}
