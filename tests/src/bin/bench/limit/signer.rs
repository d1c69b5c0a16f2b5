//! GitHub's webhook signatures.

use anyhow::Context;
use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Makes and checks `X-Hub-Signature-256` as GitHub documents it: `sha256=` and the hex
/// HMAC-SHA256 of the body.
#[derive(Clone)]
pub struct Signer {
    keyed: Hmac<Sha256>,
}

impl Signer {
    /// A signer with a webhook secret.
    pub fn new(secret: &str) -> anyhow::Result<Self> {
        let keyed = Hmac::new_from_slice(secret.as_bytes()).context("not an HMAC key")?;
        Ok(Self { keyed })
    }

    /// The hex signature of a body, without its prefix.
    pub fn sign(&self, body: &[u8]) -> String {
        let mut mac = self.keyed.clone();
        mac.update(body);
        hex::encode(mac.finalize().into_bytes())
    }

    /// Succeeds if the headers contain the signature of the body.
    pub fn accepts(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let Some(signature) = headers
            .get("x-hub-signature-256")
            .and_then(|value| value.as_bytes().strip_prefix(b"sha256="))
        else {
            return false;
        };
        let mut expected = [0; 32];
        if hex::decode_to_slice(signature, &mut expected).is_err() {
            return false;
        }
        let mut mac = self.keyed.clone();
        mac.update(body);
        mac.verify_slice(&expected).is_ok()
    }
}
