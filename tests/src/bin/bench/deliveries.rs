//! Signed deliveries to one URL, as bytes that a connection only has to write.

use anyhow::Context;

use crate::limit::Signer;
use crate::payloads::Payloads;

/// So many that a body comes back only long after it has left every cache.
const DELIVERIES: usize = 20_000;

/// Requests to one URL, complete but for their delivery ids.
pub struct Deliveries {
    /// Host and port.
    pub address: String,
    pub requests: Vec<Request>,
}

/// A request, complete but for its delivery id.
pub struct Request {
    pub before_id: Vec<u8>,
    pub after_id: Vec<u8>,
}

impl Deliveries {
    /// Signs all bodies with the secret.
    ///
    /// # Errors
    /// If the URL is not `http://host:port/path`.
    pub fn new(url: &str, secret: &str) -> anyhow::Result<Self> {
        let rest = url
            .strip_prefix("http://")
            .context("a load needs an http URL")?;
        let (address, path) = rest
            .split_once('/')
            .context("a load needs a URL with a path")?;
        let (payloads, signer) = (Payloads::of_fixture()?, Signer::new(secret)?);
        let requests = (0..DELIVERIES).map(|n| {
            let body = payloads.body(n)?;
            let before_id = format!(
                "POST /{path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: GitHub-Hookshot/bench\r\n\
                 Content-Type: application/json\r\nX-GitHub-Event: issues\r\n\
                 X-Hub-Signature-256: sha256={}\r\nContent-Length: {}\r\nX-GitHub-Delivery: ",
                signer.sign(&body),
                body.len()
            );
            Ok(Request {
                before_id: before_id.into_bytes(),
                after_id: [b"\r\n\r\n", &*body].concat(),
            })
        });
        Ok(Self {
            address: address.to_owned(),
            requests: requests.collect::<anyhow::Result<_>>()?,
        })
    }
}
