//! A secret that the sender repeats with each delivery, in a header or the query. It is
//! weaker than a signature: anybody who sees one delivery can forge others.

use crate::domain::source::{Locator, TokenScheme};
use crate::secret::Secret;
use crate::verify::{Request, VerifyError, query};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use subtle::ConstantTimeEq;

/// Verifies the token.
pub(super) fn verify(
    scheme: &TokenScheme,
    secrets: &[&Secret],
    request: &Request<'_>,
) -> Result<(), VerifyError> {
    let value = match &scheme.at {
        Locator::Header(name) => request.sole_header(name)?.map(Cow::Borrowed),
        Locator::Query(name) => sole_parameter(request.query(), name)?,
        // A description with a token in the body is refused, so this never looks there.
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

/// Compares digests, which hides even the secret's length.
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
