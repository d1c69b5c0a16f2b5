//! The parts of a request that may be stored and shown to a guest: everything but
//! signatures and credentials.

use crate::domain::delivery::Header;
use crate::domain::source::{Locator, VerificationScheme, WebhookScheme};
use crate::verify::query;
use crate::verify::standard_webhooks::Names;
use http::HeaderMap;

/// Headers that carry credentials with every provider.
const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// Words in the names of signature headers. Senders often add an older signature to the
/// described one, and a stored signature helps to guess a weak secret.
const SIGNATURE_WORDS: [&str; 2] = ["signature", "hmac"];

/// The headers that may be stored, in the map's order, with lower-case names. Replaces
/// invalid UTF-8.
///
/// `sources` describe the signatures that may be present: more than one if one service
/// forwards the requests of another.
pub fn kept_headers(sources: &[&WebhookScheme], headers: &HeaderMap) -> Vec<Header> {
    let secret: Vec<String> = schemes(sources).filter_map(secret_header).collect();
    headers
        .iter()
        .filter(|(name, _)| {
            let name = name.as_str();
            let is_credential = CREDENTIALS.contains(&name);
            let is_signature = SIGNATURE_WORDS.iter().any(|word| name.contains(word));
            !is_credential && !is_signature && !secret.iter().any(|secret| secret == name)
        })
        .map(|(name, value)| Header {
            name: name.as_str().to_owned(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        })
        .collect()
}

/// The query string without its tokens.
pub fn kept_query(sources: &[&WebhookScheme], text: &str) -> String {
    let secret: Vec<&str> = schemes(sources).filter_map(secret_parameter).collect();
    if secret.is_empty() {
        return text.to_owned();
    }
    query::without(text, |name| {
        secret.iter().any(|secret| secret.as_bytes() == name)
    })
}

fn schemes<'a>(sources: &[&'a WebhookScheme]) -> impl Iterator<Item = &'a VerificationScheme> {
    sources.iter().flat_map(|source| &source.verification)
}

/// The header of a scheme's signature or token, in lower case.
fn secret_header(scheme: &VerificationScheme) -> Option<String> {
    match scheme {
        VerificationScheme::Hmac(scheme) => Some(scheme.header.to_ascii_lowercase()),
        VerificationScheme::StandardWebhooks(scheme) => {
            Some(Names::of(scheme).signature.to_ascii_lowercase())
        }
        VerificationScheme::Token(scheme) => match &scheme.at {
            Locator::Header(name) => Some(name.to_ascii_lowercase()),
            Locator::Query(_) | Locator::BodyPointer(_) => None,
        },
    }
}

/// The query parameter of a scheme's token.
fn secret_parameter(scheme: &VerificationScheme) -> Option<&str> {
    match scheme {
        VerificationScheme::Token(scheme) => match &scheme.at {
            Locator::Query(name) => Some(name),
            Locator::Header(_) | Locator::BodyPointer(_) => None,
        },
        VerificationScheme::Hmac(_) | VerificationScheme::StandardWebhooks(_) => None,
    }
}

#[cfg(test)]
mod tests;
