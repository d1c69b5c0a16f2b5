//! The way out, abstract: tests answer with a mailbox of their own.

use triggerhouse_sdk::http::{FetchError, Request, Response};

/// Sends one request and waits for its answer.
pub trait Http {
    /// The credential is none of the caller's business: the host adds it.
    ///
    /// # Errors
    /// See [`FetchError`]. An answer of whatever status is none.
    fn send(&self, request: Request) -> Result<Response, FetchError>;
}

/// The host's client.
#[cfg(target_family = "wasm")]
pub struct Host;

#[cfg(target_family = "wasm")]
impl Http for Host {
    fn send(&self, request: Request) -> Result<Response, FetchError> {
        triggerhouse_sdk::http::fetch(&request)
    }
}
