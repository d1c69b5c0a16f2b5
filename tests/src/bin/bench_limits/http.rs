//! What both HTTP limits have in common: the signature check and the life of a server.

use std::net::SocketAddr;

use anyhow::Context;
use axum::Router;
use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Checks `X-Hub-Signature-256` as GitHub documents it: `sha256=` and the hex HMAC-SHA256 of the body.
#[derive(Clone)]
pub struct Signer {
    keyed: Hmac<Sha256>,
}

impl Signer {
    pub fn new(secret: &str) -> anyhow::Result<Self> {
        let keyed = Hmac::new_from_slice(secret.as_bytes()).context("the secret is no HMAC key")?;
        Ok(Self { keyed })
    }

    /// The hex signature of a body, without its prefix.
    pub fn sign(&self, body: &[u8]) -> String {
        let mut mac = self.keyed.clone();
        mac.update(body);
        hex::encode(mac.finalize().into_bytes())
    }

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

/// Serves until the process is ended; nothing here is worth a graceful end.
pub async fn serve(listen: SocketAddr, router: Router) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    // The same question as the server's own, so that one function waits for both.
    let router = router.route("/readyz", axum::routing::get(|| async { "ready" }));
    axum::serve(listener, router).await.context("serving ended")
}
