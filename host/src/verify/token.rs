//! A secret that the sender repeats with each delivery, in a header or the query.
//! Weaker than a signature: whoever sees one delivery can send others.

use crate::domain::source::{Locator, TokenScheme};
use crate::secret::Secret;
use crate::verify::{Request, VerifyError, query};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use subtle::ConstantTimeEq;

/// Verifies by a shared token.
pub(super) fn verify(
    scheme: &TokenScheme,
    secrets: &[&Secret],
    request: &Request<'_>,
) -> Result<(), VerifyError> {
    let value = match &scheme.at {
        Locator::Header(name) => request.sole_header(name)?.map(Cow::Borrowed),
        Locator::Query(name) => sole_parameter(request.query(), name)?,
        // Refused when a description is checked; here too, it is no place to look.
        Locator::BodyPointer(_) => None,
    };
    let value = value.ok_or(VerifyError::MissingSignature)?;
    let token = value
        .strip_prefix(scheme.prefix.as_bytes())
        .ok_or(VerifyError::MalformedSignature)?;
    if token.is_empty() {
        return Err(VerifyError::MissingSignature);
    }
    if secrets.iter().any(|secret| is_same(secret, token)) {
        Ok(())
    } else {
        Err(VerifyError::WrongSignature)
    }
}

/// Compares digests, so that not even the secret's length shows.
fn is_same(secret: &Secret, token: &[u8]) -> bool {
    let expected = Sha256::digest(secret.expose().as_bytes());
    let given = Sha256::digest(token);
    expected.ct_eq(&given).into()
}

fn sole_parameter<'a>(query: &'a str, name: &str) -> Result<Option<Cow<'a, [u8]>>, VerifyError> {
    let mut values = query::values(query, name);
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(VerifyError::Repeated),
    }
}
