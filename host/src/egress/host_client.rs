//! The host's own requests, for access tokens and for messages to sinks.
//!
//! Each is one exchange: no redirect, no proxy, no retry, and no answer is read further
//! than its limit. The caller limits the time.

use crate::domain::Timestamp;
use crate::egress::error::{EgressError, FetchError};
use crate::egress::hop::USER_AGENT;
use crate::egress::policy::{HostPolicy, HostPort, address_entry};
use crate::egress::resolver::{PublicResolver, SystemResolver};
use crate::egress::{client_builder, retry_after};
use crate::secret::Secret;
use reqwest::dns::Resolve;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use zeroize::Zeroizing;

/// The longest answer, in bytes. An answer with a token has a few hundred; Nango adds the
/// data that an application keeps with a connection.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// The bytes of an unused answer that are read, within [`DRAIN_MAX`], so that its
/// connection can be reused.
const DRAIN_BYTES_MAX: usize = 16 << 10;
const DRAIN_MAX: Duration = Duration::from_millis(100);

/// The URLs of tenants that may be called: public hosts by https, and the addresses that
/// the operator grants with their ports.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct PublicUrls(HostPolicy);

impl TryFrom<Vec<String>> for PublicUrls {
    type Error = String;

    fn try_from(allow_hosts: Vec<String>) -> Result<Self, String> {
        Self::new(&allow_hosts)
    }
}

impl PublicUrls {
    /// Public URLs, and URLs at these addresses.
    ///
    /// # Errors
    /// An entry that is not an address with a port. A name is not accepted, because its
    /// owner could point it at any address of our network.
    pub fn new(allow_hosts: &[String]) -> Result<Self, String> {
        let entries: Result<Vec<String>, _> =
            allow_hosts.iter().map(|text| address_entry(text)).collect();
        Ok(Self(HostPolicy::new(&[], &entries?)))
    }

    /// Checks a URL, before its name is resolved.
    ///
    /// # Errors
    /// The reason, which shows the URL's host and port at most.
    pub fn check(&self, url: &Url) -> Result<(), String> {
        self.0
            .check_public(url)
            .map_err(|denied| denied.to_string())
    }
}

/// An HTTP client; cheap to clone.
#[derive(Clone, Debug)]
pub struct HostClient {
    client: reqwest::Client,
    /// None if the operator wrote the URLs: they may lead anywhere.
    urls: Option<PublicUrls>,
}

/// A request for JSON.
#[derive(Clone, Debug)]
pub struct HostRequest {
    url: Url,
    authorization: Option<Secret>,
    form: Option<Secret>,
}

impl HostRequest {
    /// A GET.
    pub fn get(url: Url) -> Self {
        Self {
            url,
            authorization: None,
            form: None,
        }
    }

    /// A POST of an encoded form.
    pub fn post_form(url: Url, form: Secret) -> Self {
        Self {
            form: Some(form),
            ..Self::get(url)
        }
    }

    /// Sets `Authorization`.
    #[must_use]
    pub fn authorization(mut self, value: Secret) -> Self {
        self.authorization = Some(value);
        self
    }
}

/// A POST of JSON.
#[derive(Clone, Debug)]
pub struct HostDelivery {
    /// The URL to post to.
    pub url: Url,
    /// Headers in addition to `Content-Type` and `User-Agent`.
    pub headers: HeaderMap,
    /// The JSON.
    pub body: String,
}

/// The answer to a delivery, without its body.
#[derive(Clone, Copy, Debug)]
pub struct HostReceipt {
    /// The status; a redirect is not followed.
    pub status: StatusCode,
    /// The pause that a 429 or 503 asks for.
    pub retry_after: Option<Duration>,
}

/// An answer. It may contain a token, so it is never logged.
pub struct HostAnswer {
    /// The status; a redirect is not followed.
    pub status: StatusCode,
    /// The pause that a 429 or 503 asks for.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
}

/// A request without an answer. The text shows the URL's host and port at most.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HostCallError(FetchError);

impl HostClient {
    /// A client for URLs that the operator wrote. They may lead anywhere.
    ///
    /// # Errors
    /// See [`EgressError`].
    pub fn anywhere() -> Result<Self, EgressError> {
        Ok(Self {
            client: client_builder().build()?,
            urls: None,
        })
    }

    /// A client for URLs that tenants wrote. Names lead to public addresses only.
    ///
    /// # Errors
    /// See [`EgressError`].
    pub fn public(urls: PublicUrls) -> Result<Self, EgressError> {
        Self::public_with(urls, Arc::new(SystemResolver))
    }

    /// As [`HostClient::public`], with another resolver. For tests. Its addresses are checked
    /// all the same.
    ///
    /// # Errors
    /// See [`EgressError`].
    pub fn public_with(urls: PublicUrls, resolver: Arc<dyn Resolve>) -> Result<Self, EgressError> {
        let resolver = Arc::new(PublicResolver(resolver));
        Ok(Self {
            client: client_builder().dns_resolver(resolver).build()?,
            urls: Some(urls),
        })
    }

    /// Sends one request and reads its answer. `now` turns a date in `Retry-After` into a
    /// pause.
    ///
    /// # Errors
    /// If the URL is refused, there is no answer, or the answer is too large.
    pub async fn send(
        &self,
        request: HostRequest,
        now: Timestamp,
    ) -> Result<HostAnswer, HostCallError> {
        self.check(&request.url)?;
        let host = HostPort::of(&request.url);
        let of_client = |error: reqwest::Error| FetchError::of_client(&error, &host);
        let answer = self.client.execute(prepared(request)?).await;
        let mut answer = answer.map_err(of_client)?;
        let status = answer.status();
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = answer.chunk().await.map_err(of_client)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(FetchError::TooLarge.into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HostAnswer {
            status,
            retry_after: retry_after::pause(status, answer.headers(), now),
            body,
        })
    }

    /// Posts JSON. Only the status and `Retry-After` of the answer count.
    ///
    /// # Errors
    /// If the URL is refused or there is no answer.
    pub async fn deliver(
        &self,
        delivery: HostDelivery,
        now: Timestamp,
    ) -> Result<HostReceipt, HostCallError> {
        self.check(&delivery.url)?;
        let host = HostPort::of(&delivery.url);
        let mut request = reqwest::Request::new(Method::POST, delivery.url);
        let headers = request.headers_mut();
        *headers = delivery.headers;
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        *request.body_mut() = Some(delivery.body.into());
        let answer = self.client.execute(request).await;
        let answer = answer.map_err(|error| FetchError::of_client(&error, &host))?;
        let receipt = HostReceipt {
            status: answer.status(),
            retry_after: retry_after::pause(answer.status(), answer.headers(), now),
        };
        let _ = tokio::time::timeout(DRAIN_MAX, drain(answer)).await;
        Ok(receipt)
    }

    fn check(&self, url: &Url) -> Result<(), FetchError> {
        match &self.urls {
            Some(PublicUrls(policy)) => Ok(policy.check_public(url)?),
            None => Ok(()),
        }
    }
}

/// Reads the answer to its end, so that the connection can be reused.
async fn drain(mut answer: reqwest::Response) {
    let mut left = DRAIN_BYTES_MAX;
    while let Ok(Some(chunk)) = answer.chunk().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

fn prepared(request: HostRequest) -> Result<reqwest::Request, FetchError> {
    let method = match request.form {
        Some(_) => Method::POST,
        None => Method::GET,
    };
    let mut prepared = reqwest::Request::new(method, request.url);
    let headers = prepared.headers_mut();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    if let Some(authorization) = request.authorization {
        let value = HeaderValue::from_str(authorization.expose());
        let mut value =
            value.map_err(|_| FetchError::other("the secret does not fit into a header"))?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    if let Some(form) = request.form {
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, form_type);
        *prepared.body_mut() = Some(form.expose().to_owned().into());
    }
    Ok(prepared)
}

impl From<FetchError> for HostCallError {
    fn from(error: FetchError) -> Self {
        Self(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(urls: &PublicUrls, url: &str) -> Option<String> {
        urls.check(&url.parse().unwrap()).err()
    }

    #[test]
    fn public_hosts_by_https_and_granted_addresses_are_called_and_nothing_else() {
        let grants = ["127.0.0.1:9000".to_owned(), "[::1]:9000".to_owned()];
        let urls = PublicUrls::new(&grants).unwrap();
        for url in [
            "https://login.example.com/token?tenant=a",
            "https://login.example.com:8443/token",
            "https://8.8.8.8/token",
            "http://127.0.0.1:9000/token",
            "https://127.1:9000/token",
            "http://[::1]:9000/",
        ] {
            assert_eq!(refused(&urls, url), None, "{url}");
        }
        for (url, expected) in [
            ("http://login.example.com/token", "http is for an address"),
            ("https://127.0.0.1/token", "is not a public address"),
            ("https://2130706433:9001/", "is not a public address"),
            (
                "https://[::ffff:127.0.0.1]:9000/",
                "is not a public address",
            ),
            ("https://[::ffff:a9fe:a9fe]/", "is not a public address"),
            ("https://169.254.169.254/", "is not a public address"),
            ("http://localhost:9000/", "http is for an address"),
            (
                "https://me:secret@login.example.com/",
                "user name or a password",
            ),
            ("ftp://login.example.com/", "is not https"),
        ] {
            let refused = refused(&urls, url).unwrap();
            assert!(
                refused.contains(expected) && !refused.contains("secret"),
                "{refused}"
            );
        }
    }

    #[test]
    fn only_an_address_with_its_port_can_be_granted() {
        for entry in [
            "localhost:9000",
            "login.example.com",
            "10.0.0.1",
            "[::1]",
            "",
        ] {
            let error = PublicUrls::new(&[entry.to_owned()]).unwrap_err();
            assert!(error.contains("an address and port"), "{error}");
        }
    }
}
