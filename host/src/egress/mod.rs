//! Outgoing HTTP: which requests may leave, and which address they connect to.
//!
//! Owns: the policy for hosts, name resolution, redirects, the place of a credential,
//! limits on time, number and size, and the memory of a service between two polls.
//! Never does: renew a credential, retry, or interpret an answer. The loop that a guest
//! drives is the providers' own `Fetcher`.
//!
//! Architecture invariants:
//! - Every request of a guest, and every redirect, passes
//!   `HostPolicy::check`. Every URL that a tenant wrote passes
//!   `HostPolicy::check_public`.
//! - Every connection goes to an address that `PublicResolver`
//!   found public, or that the operator granted with its port. The client itself resolves
//!   no name, follows no redirect and uses no proxy.
//! - A credential is added after the last thing that a guest can influence, and only for
//!   the origin of the guest's own request. It appears in no response header, no error and
//!   no log line that the host writes.
//! - A body is read no further than its limit. Nothing decompresses, so the limit counts
//!   the bytes on the wire.

mod address;
mod error;
mod hop;
mod host_client;
mod limits;
mod placed_credential;
mod policy;
mod resolver;
mod responses;
mod retry_after;

pub(crate) use error::FetchError;
pub(crate) use hop::{Hop, Request, Response, header_bytes, may_hold_credential};
pub(crate) use limits::ANSWER_RESERVE;
pub(crate) use placed_credential::PlacedCredential;
pub(crate) use policy::{HostPolicy, HostPort, entry};
pub(crate) use responses::{Kept, Key};
pub(crate) use retry_after::pause;

pub use error::EgressError;
pub use host_client::{
    HostAnswer, HostCallError, HostClient, HostDelivery, HostReceipt, HostRequest, PublicUrls,
};
pub use limits::{EgressLimits, REDIRECTS_MAX};
pub use responses::ResponseCache;

use limits::CONNECT_MAX;
use reqwest::dns::Resolve;
use resolver::{PublicResolver, SystemResolver};
use std::sync::Arc;

/// The client that all polls share, with its limits. Cheap to clone; clones share the
/// connections.
#[derive(Clone, Debug)]
pub struct Egress(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: reqwest::Client,
    limits: EgressLimits,
}

impl Egress {
    /// A client with the system's resolver and the system's root certificates.
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the certificates.
    ///
    /// # Errors
    /// See [`EgressError`]; all of them are final.
    pub fn new(limits: EgressLimits) -> Result<Self, EgressError> {
        Self::with(limits, Arc::new(SystemResolver), [])
    }

    /// As [`Egress::new`], with another resolver and with root certificates in addition to
    /// the system's. For tests. The resolver's addresses are checked all the same.
    ///
    /// # Errors
    /// See [`EgressError`].
    pub fn with(
        limits: EgressLimits,
        resolver: Arc<dyn Resolve>,
        roots: impl IntoIterator<Item = reqwest::Certificate>,
    ) -> Result<Self, EgressError> {
        limits.check().map_err(EgressError::Limit)?;
        let client = client_builder()
            .dns_resolver(Arc::new(PublicResolver(resolver)))
            .tls_certs_merge(roots)
            .http1_max_headers(limits.headers_max)
            .build()?;
        Ok(Self(Arc::new(Inner { client, limits })))
    }

    /// The limits of each poll.
    pub fn limits(&self) -> &EgressLimits {
        &self.0.limits
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.0.client
    }
}

/// A client that neither redirects nor uses a proxy.
fn client_builder() -> reqwest::ClientBuilder {
    // An error means that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        // Ignores the environment's proxy, which would resolve names itself.
        .no_proxy()
        // Each hop is checked before it is sent.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_MAX)
}
