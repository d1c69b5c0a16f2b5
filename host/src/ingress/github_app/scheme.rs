//! The signature scheme of a GitHub App.

use crate::domain::source::{Locator, VerificationScheme, WebhookScheme};

/// The provider of the integrations whose account is an installation.
pub(in crate::ingress) const PROVIDER: &str = "github";

pub(in crate::ingress) fn scheme() -> WebhookScheme {
    WebhookScheme {
        verification: vec![VerificationScheme::hmac_sha256_hex(
            "x-hub-signature-256",
            "sha256=",
        )],
        delivery_id: vec![Locator::Header("x-github-delivery".into())],
        account: vec![],
        handshakes: vec![],
    }
}
