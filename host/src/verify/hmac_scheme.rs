//! The scheme of a signature that a provider describes part by part.

use crate::domain::source::{HmacScheme, SignaturePosition, SignedPart};
use crate::secret::Secret;
use crate::verify::hmac::tag;
use crate::verify::timestamp::{self, Stamp};
use crate::verify::{Request, VerifyError, signature};

/// Verifies the signature, then the freshness: a timestamp means nothing before its signature
/// is verified.
pub(super) fn verify(
    scheme: &HmacScheme,
    secrets: &[&Secret],
    request: &Request<'_>,
) -> Result<(), VerifyError> {
    let value = request
        .sole_header(&scheme.header)?
        .ok_or(VerifyError::MissingSignature)?;
    let candidates = signature::candidates(scheme, value)?;

    let list = matches!(scheme.position, SignaturePosition::ListField(_)).then_some(value);
    let find_stamp = || match &scheme.timestamp {
        Some(rule) => timestamp::find(rule, request, list),
        None => Ok(None),
    };
    // An unsigned timestamp may be in the body, which is parsed only once the signature
    // shows that it is the sender's.
    let signed_stamp = if scheme.signed.contains(&SignedPart::Timestamp) {
        Some(find_stamp()?.ok_or(VerifyError::MissingTimestamp)?)
    } else {
        None
    };

    let parts = signed_parts(scheme, request, signed_stamp.as_ref())?;
    let is_right = secrets.iter().any(|secret| {
        let tag = tag(scheme.hash, secret.expose().as_bytes(), &parts);
        candidates.iter().any(|candidate| tag.matches(candidate))
    });
    if !is_right {
        return Err(VerifyError::WrongSignature);
    }

    let Some(rule) = &scheme.timestamp else {
        return Ok(());
    };
    let stamp = match signed_stamp {
        Some(stamp) => Some(stamp),
        None => find_stamp()?,
    };
    match stamp {
        Some(stamp) => {
            let time = stamp.time(rule.unit)?;
            timestamp::check(time, rule.tolerance_seconds, request.received_at())
        }
        None if rule.required => Err(VerifyError::MissingTimestamp),
        None => Ok(()),
    }
}

/// The signed parts, borrowed from the request.
pub(super) fn signed_parts<'a>(
    scheme: &'a HmacScheme,
    request: &Request<'a>,
    stamp: Option<&'a Stamp<'_>>,
) -> Result<Vec<&'a [u8]>, VerifyError> {
    let part = |part: &'a SignedPart| match part {
        SignedPart::Literal(text) => Ok(text.as_bytes()),
        SignedPart::Header(name) => request
            .sole_header(name)?
            .ok_or(VerifyError::MissingSignedHeader),
        SignedPart::Timestamp => stamp.map(Stamp::text).ok_or(VerifyError::MissingTimestamp),
        SignedPart::Body => Ok(request.body()),
    };
    scheme.signed.iter().map(part).collect()
}
