//! Is this request from whom it says it is, and what does the host read from it
//! before any guest runs?
//!
//! Owns: verification by the schemes that a provider describes as data, locators,
//! handshakes, what of a request may be kept, and signing as a sender would.
//! Never does: I/O, reading a clock (freshness is judged against the time of
//! receipt), logging, or knowing a provider by name.
//!
//! Architecture invariants:
//! - Secrets and signatures are compared in constant time and appear in no error.
//! - The body is parsed at most once per request, and not before its signature
//!   has been found right unless the signature itself covers a value in it.
//! - What verification reads must stand in the request once. A header that
//!   arrives twice could mean one thing here and another behind us.

mod error;
mod handshake;
mod hmac;
mod locator;
mod pointer;
mod query;
mod request;
mod sign;
mod signature;
mod stamp;
mod standard_webhooks;
mod strip;
mod timestamp;
mod token;

#[cfg(test)]
mod tests;

pub use error::VerifyError;
pub use handshake::ECHO_BYTES_MAX;
pub use locator::LOCATED_BYTES_MAX;
pub use request::{HeaderValue, Headers, Request};
pub use sign::{SignError, Signed};
pub use stamp::stamped;
pub use standard_webhooks::{StandardSignature, signatures as standard_signatures};
pub use strip::{kept_headers, kept_query};

use crate::domain::source::VerificationScheme;
use crate::secret::Secret;

impl Request<'_> {
    /// Passes if one of the source's schemes passes with one of `secrets`, which
    /// are the live ones: two or more while a rotation overlaps.
    ///
    /// Blank secrets are no secrets, and without a secret nothing passes.
    ///
    /// # Errors
    /// The error of the scheme that came furthest (see [`VerifyError`]); of equals
    /// the first. So a source that takes a signature or a token does not report a
    /// missing token when a signature was there and was stale.
    pub fn verify<S: AsRef<Secret>>(&self, secrets: &[S]) -> Result<(), VerifyError> {
        let secrets: Vec<&Secret> = secrets
            .iter()
            .map(AsRef::as_ref)
            .filter(|secret| !secret.is_blank())
            .collect();
        if secrets.is_empty() {
            return Err(VerifyError::NoSecret);
        }

        let mut furthest: Option<VerifyError> = None;
        for scheme in &self.source().verification {
            let outcome = match scheme {
                VerificationScheme::Hmac(scheme) => hmac::verify(scheme, &secrets, self),
                VerificationScheme::StandardWebhooks(scheme) => {
                    standard_webhooks::verify(scheme, &secrets, self)
                }
                VerificationScheme::Token(scheme) => token::verify(scheme, &secrets, self),
            };
            match outcome {
                Ok(()) => return Ok(()),
                Err(error) if furthest.is_none_or(|best| error.progress() > best.progress()) => {
                    furthest = Some(error);
                }
                Err(_) => {}
            }
        }
        Err(furthest.unwrap_or(VerifyError::NoScheme))
    }
}
