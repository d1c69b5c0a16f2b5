//! Signs a request as its sender would, for `triggerhouse send` and for tests. Uses the parts
//! of verification, so the two cannot disagree about the signed bytes.

use crate::domain::source::{
    HmacScheme, Locator, SignaturePosition, SignedPart, StandardWebhooksScheme, TimestampRule,
    TimestampSource, TimestampUnit, TokenScheme, VerificationScheme,
};
use crate::secret::{Secret, generate_token};
use crate::verify::hmac::tag;
use crate::verify::standard_webhooks::{self, Names, VERSION};
use crate::verify::timestamp::{self, Stamp, digits};
use crate::verify::{Request, VerifyError, hmac_scheme, query, signature};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The additions that sign a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signed {
    /// Headers with lower-case names.
    pub headers: Vec<(String, String)>,
    /// An encoded `name=value` to append to the query string; empty for none.
    pub query: String,
}

/// The reason for which a request cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The provider describes no scheme with this number.
    #[error("the provider describes no scheme with this number")]
    NoScheme,
    /// The secret is blank or lacks the scheme's form.
    #[error("the secret cannot be used with this scheme")]
    UnusableSecret,
    /// The scheme signs a header that the request lacks.
    #[error("the signature covers the header `{0}`: give it")]
    MissingHeader(String),
    /// The timestamp belongs in the body, which signing does not change.
    #[error("the timestamp stands in the body at {0}: put it there")]
    MissingTimestamp(String),
    /// The request contradicts the scheme.
    #[error("the request cannot be signed: {0}")]
    Invalid(#[from] VerifyError),
    /// The scheme puts its token in the body, which the contract forbids.
    #[error("the scheme puts its token into the body, which the contract forbids")]
    TokenInBody,
}

impl Request<'_> {
    /// Signs by the first scheme that can use the secret, at `received_at`. Keeps a timestamp
    /// and an id that the request already has.
    ///
    /// # Errors
    /// See [`SignError`].
    pub fn sign(&self, secret: &Secret) -> Result<Signed, SignError> {
        let schemes = &self.source().verification;
        let usable = schemes.iter().position(|scheme| is_usable(scheme, secret));
        self.sign_with(usable.unwrap_or(0), secret)
    }

    /// Signs by scheme number `index`, from 0.
    ///
    /// # Errors
    /// See [`SignError`].
    pub fn sign_with(&self, index: usize, secret: &Secret) -> Result<Signed, SignError> {
        if secret.is_blank() {
            return Err(SignError::UnusableSecret);
        }
        match self.source().verification.get(index) {
            None => Err(SignError::NoScheme),
            Some(VerificationScheme::Hmac(scheme)) => sign_hmac(scheme, secret, self),
            Some(VerificationScheme::StandardWebhooks(scheme)) => {
                sign_standard_webhooks(scheme, secret, self)
            }
            Some(VerificationScheme::Token(scheme)) => add_token(scheme, secret),
        }
    }
}

/// True if a secret has the form that a scheme needs.
pub(super) fn is_usable(scheme: &VerificationScheme, secret: &Secret) -> bool {
    match scheme {
        VerificationScheme::Hmac(_) | VerificationScheme::Token(_) => !secret.is_blank(),
        VerificationScheme::StandardWebhooks(scheme) => {
            standard_webhooks::key(scheme.key, secret).is_some()
        }
    }
}

fn sign_hmac(
    scheme: &HmacScheme,
    secret: &Secret,
    request: &Request<'_>,
) -> Result<Signed, SignError> {
    let mut signed = Signed::default();
    let mut fields: Vec<String> = vec![];
    let stamp = match &scheme.timestamp {
        None => None,
        Some(rule) => match timestamp::find(rule, request, None)? {
            Some(stamp) => Some(stamp),
            None => {
                let text = digits(request.received_at(), rule.unit);
                match new_stamp_at(scheme, rule)? {
                    Some(TimestampSource::Header(name)) => {
                        signed.headers.push((name.clone(), text.clone()));
                        Some(Stamp::new(text.into_bytes()))
                    }
                    Some(TimestampSource::ListField(name)) => {
                        fields.push(format!("{name}={text}"));
                        Some(Stamp::new(text.into_bytes()))
                    }
                    Some(TimestampSource::BodyPointer(_)) | None => None,
                }
            }
        },
    };

    let parts = hmac_scheme::signed_parts(scheme, request, stamp.as_ref()).map_err(|error| {
        let missing = scheme.signed.iter().find_map(|part| match part {
            SignedPart::Header(name) if request.sole_header(name) == Ok(None) => Some(name),
            _ => None,
        });
        match (error, missing) {
            (VerifyError::MissingSignedHeader, Some(name)) => {
                SignError::MissingHeader(name.clone())
            }
            (error, _) => SignError::Invalid(error),
        }
    })?;
    let tag = tag(scheme.hash, secret.expose().as_bytes(), &parts);
    let text = signature::encode(scheme.encoding, tag.as_bytes());
    let value = match &scheme.position {
        SignaturePosition::Whole => text,
        SignaturePosition::Prefixed(prefix) => format!("{prefix}{text}"),
        SignaturePosition::ListField(name) => {
            fields.push(format!("{name}={text}"));
            fields.join(",")
        }
    };
    signed.headers.push((scheme.header.clone(), value));
    Ok(signed)
}

/// The place for a new timestamp; `None` if the request needs none.
fn new_stamp_at<'a>(
    scheme: &HmacScheme,
    rule: &'a TimestampRule,
) -> Result<Option<&'a TimestampSource>, SignError> {
    let is_list = matches!(scheme.position, SignaturePosition::ListField(_));
    let writable = rule.sources.iter().find(|source| match source {
        TimestampSource::Header(_) => true,
        TimestampSource::ListField(_) => is_list,
        TimestampSource::BodyPointer(_) => false,
    });
    if writable.is_some() || !(rule.required || scheme.signed.contains(&SignedPart::Timestamp)) {
        return Ok(writable);
    }
    let pointer = rule.sources.iter().find_map(|source| match source {
        TimestampSource::BodyPointer(pointer) => Some(pointer.clone()),
        TimestampSource::Header(_) | TimestampSource::ListField(_) => None,
    });
    Err(match pointer {
        Some(pointer) => SignError::MissingTimestamp(pointer),
        None => SignError::Invalid(VerifyError::MissingTimestamp),
    })
}

fn sign_standard_webhooks(
    scheme: &StandardWebhooksScheme,
    secret: &Secret,
    request: &Request<'_>,
) -> Result<Signed, SignError> {
    let key = standard_webhooks::key(scheme.key, secret).ok_or(SignError::UnusableSecret)?;
    let names = Names::of(scheme);
    let mut signed = Signed::default();
    let mut given_or = |name: String, new: String| -> Result<Vec<u8>, SignError> {
        if let Some(value) = request.sole_header(&name)? {
            return Ok(value.to_vec());
        }
        signed.headers.push((name, new.clone()));
        Ok(new.into_bytes())
    };
    let id = given_or(names.id, format!("msg_{}", generate_token()))?;
    let time = digits(request.received_at(), TimestampUnit::Seconds);
    let time = given_or(names.timestamp, time)?;
    let tag = standard_webhooks::tag(&key, &id, &time, request.body());
    let value = format!("{VERSION}{}", STANDARD.encode(tag.as_bytes()));
    signed.headers.push((names.signature, value));
    Ok(signed)
}

fn add_token(scheme: &TokenScheme, secret: &Secret) -> Result<Signed, SignError> {
    let value = format!("{}{}", scheme.prefix, secret.expose());
    let mut signed = Signed::default();
    match &scheme.at {
        Locator::Header(name) => signed.headers.push((name.clone(), value)),
        Locator::Query(name) => signed.query = query::pair(name, &value),
        Locator::BodyPointer(_) => return Err(SignError::TokenInBody),
    }
    Ok(signed)
}
