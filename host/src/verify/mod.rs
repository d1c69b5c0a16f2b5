//! Verification of webhooks, and the values that the host reads from them before a guest
//! runs.
//!
//! Owns: verification by the schemes that a provider describes as data, locators,
//! handshakes, the parts of a request that may be stored, and signing as a sender. Never
//! does: I/O, reading a clock (freshness is judged against the time of receipt), logging,
//! or knowing a provider by name.
//!
//! Architecture invariants:
//! - Secrets and signatures are compared in constant time and appear in no error.
//! - The body is parsed at most once per request. It is parsed before its signature is
//!   verified only if the signature covers a value in it.
//! - A value that verification reads must occur in the request once. Of a header that occurs
//!   twice, the host and a proxy could read different values.

mod error;
mod handshake;
mod hmac;
mod hmac_scheme;
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
    /// Passes if one of the source's schemes passes with one of the live `secrets`: two or
    /// more during a rotation. Blank secrets do not count, and without a secret nothing
    /// passes.
    ///
    /// # Errors
    /// The error of the scheme that got furthest (see [`VerifyError`]), the first of
    /// equals. A source that accepts a signature or a token thus reports a stale signature,
    /// not a missing token.
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
                VerificationScheme::Hmac(scheme) => hmac_scheme::verify(scheme, &secrets, self),
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
