//! The HTTP client as a trait, so that tests can answer with a fake mailbox.

use triggerhouse_sdk::http::{FetchError, Request, Response};

/// An HTTP client that sends one request at a time.
pub trait Http {
    /// Sends a request without a credential, which the host adds.
    ///
    /// # Errors
    /// See [`FetchError`]. An answer with any status is a success.
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
