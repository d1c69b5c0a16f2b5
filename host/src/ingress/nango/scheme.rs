//! The signature scheme of Nango, and the key that replaces the delivery id that it does not
//! send.

use crate::domain::source::{Locator, VerificationScheme, WebhookScheme};
use axum::http::HeaderMap;
use sha2::{Digest, Sha256};

/// Nango also sends `X-Nango-Signature`, a hash of key and body. Anyone can extend such a
/// hash without the key, so it proves nothing and does not count.
pub(in crate::ingress) fn scheme() -> WebhookScheme {
    WebhookScheme {
        verification: vec![VerificationScheme::hmac_sha256_hex(
            "x-nango-hmac-sha256",
            "",
        )],
        // See `delivery_key`.
        delivery_id: vec![],
        account: vec![],
        handshakes: vec![],
    }
}

/// A digest that tells a repeated delivery from a new one.
///
/// Nango sends no delivery id. But it forwards the provider's headers, and most providers
/// send their id in one of them. The body adds the connection.
pub(super) fn delivery_key(schemes: &[&WebhookScheme], headers: &HeaderMap, body: &[u8]) -> String {
    let mut digest = Sha256::new();
    digest.update(Sha256::digest(body));
    let locators = schemes.iter().flat_map(|scheme| &scheme.delivery_id);
    let mut names: Vec<&str> = locators
        .filter_map(|locator| match locator {
            Locator::Header(name) => Some(name.as_str()),
            Locator::BodyPointer(_) | Locator::Query(_) => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        if let Some(value) = headers.get(name) {
            digest.update(Sha256::digest(name));
            digest.update(Sha256::digest(value));
        }
    }
    format!("sha256:{}", hex::encode(digest.finalize()))
}
