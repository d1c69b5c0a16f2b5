//! HTTP on behalf of guests: the one way out of the sandbox. And the host's own, where
//! it calls what others have written down.
//!
//! Owns: which requests may be sent and where to, the address that is connected to,
//! redirects, the credential's place, limits on time, number and size, and what is
//! remembered of a service between polls.
//! Never does: refresh a credential, retry, or look at what an answer says.
//!
//! Architecture invariants:
//! - Every request of a guest passes [`HostPolicy::check`](policy::HostPolicy::check),
//!   and so does every redirect; every connection is made to an address that
//!   [`PublicResolver`](resolver::PublicResolver) has found public, or that the
//!   operator wrote down with its port. The same holds for URLs that tenants wrote
//!   ([`host_client`]), with
//!   [`HostPolicy::check_public`](policy::HostPolicy::check_public). The client resolves, redirects and proxies
//!   nothing by itself.
//! - A credential is added after the last thing that a guest can influence, to the
//!   origin of the guest's own request alone, and stands in no answer's headers, no
//!   error and no log line of the host's making.
//! - A body is read no further than its limit. Nothing decompresses, so what is
//!   counted is what comes.

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

/// The client that all polls share, with its limits. Cheap to clone; clones share
/// everything.
#[derive(Clone, Debug)]
pub struct Egress(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: reqwest::Client,
    limits: EgressLimits,
}

impl Egress {
    /// With the system's resolver and the system's root certificates, which
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` replace.
    ///
    /// # Errors
    /// See [`EgressError`]: each is final.
    pub fn new(limits: EgressLimits) -> Result<Self, EgressError> {
        Self::with(limits, Arc::new(SystemResolver), [])
    }

    /// With another resolver, and with certificates that are trusted beside the
    /// system's: for tests. What the resolver finds is checked all the same.
    ///
    /// # Errors
    /// As [`Egress::new`].
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

    /// The limits of every poll.
    pub fn limits(&self) -> &EgressLimits {
        &self.0.limits
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.0.client
    }
}

/// A client that does nothing by itself.
fn client_builder() -> reqwest::ClientBuilder {
    // An error means that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        // From the environment, that is: a proxy would resolve names by itself.
        .no_proxy()
        // Each hop is checked here before it is made.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_MAX)
}
