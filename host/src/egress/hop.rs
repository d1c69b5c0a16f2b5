//! One hop of a guest's request: the request in a form that can be sent, and the request
//! that a redirect turns it into (RFC 9110 section 15.4, and the fetch standard where it is
//! stricter).

use crate::domain::delivery::Header;
use crate::egress::error::FetchError;
use crate::egress::limits::EgressLimits;
use crate::egress::placed_credential::PlacedCredential;
use bytes::Bytes;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use url::{Origin, Url};

/// The `User-Agent`, unless the provider sets its own.
pub(crate) const USER_AGENT: &str = concat!("triggerhouse/", env!("CARGO_PKG_VERSION"));

/// Headers that a guest may not set, because the host owns the connection. They are dropped
/// silently, as in browsers. `accept-encoding` is among them because nothing decompresses
/// here, and `cookie` because a guest has no sessions.
const HOST_HEADERS: [HeaderName; 11] = [
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::COOKIE,
    header::EXPECT,
    header::HOST,
    HeaderName::from_static("keep-alive"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
const HOST_HEADERS_PREFIX: &str = "proxy-";

/// Headers that describe a body, and are dropped with it.
const BODY_HEADERS: [HeaderName; 4] = [
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LOCATION,
    header::CONTENT_TYPE,
];

/// Headers by which a guest revalidates a copy of its own.
const CONDITIONS: [HeaderName; 6] = [
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
];

/// A guest's request, as the guest wrote it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Option<Vec<u8>>,
}

/// A service's response. Header names are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Vec<u8>,
}

/// A request without its credential.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

impl Hop {
    /// The first hop.
    ///
    /// # Errors
    /// [`FetchError::Other`] if the request cannot be sent or exceeds a limit.
    pub(crate) fn first(
        request: Request,
        credential: &PlacedCredential,
        limits: &EgressLimits,
    ) -> Result<Self, FetchError> {
        let body_bytes = request.body.as_ref().map_or(0, Vec::len);
        let size = request.url.len() + header_bytes(&request.headers) + body_bytes;
        if size > limits.request_bytes_max {
            let max = limits.request_bytes_max;
            let text = format!("the request has {size} bytes, but the limit is {max}");
            return Err(FetchError::other(text));
        }
        let mut url = Url::parse(&request.url)
            .map_err(|error| FetchError::other(format!("the URL cannot be read: {error}")))?;
        url.set_fragment(None);
        credential.strip(&mut url);
        Ok(Self {
            method: request.method,
            url,
            headers: headers(&request.headers, credential, limits)?,
            body: request.body.map(Bytes::from),
        })
    }

    /// The approximate number of bytes on the wire.
    pub(crate) fn bytes(&self) -> usize {
        let headers = self.headers.iter();
        let header_bytes: usize = headers.map(|(n, v)| n.as_str().len() + v.len()).sum();
        self.url.as_str().len() + header_bytes + self.body.as_ref().map_or(0, Bytes::len)
    }

    /// True if the response may be kept and revalidated by its ETag next time.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.method == Method::GET
            && self.body.is_none()
            && !CONDITIONS
                .iter()
                .any(|name| self.headers.contains_key(name))
    }

    /// The next hop, if the answer is a redirect.
    ///
    /// # Errors
    /// [`FetchError::Other`] if the redirect's target cannot be parsed.
    pub(crate) fn redirected(
        &self,
        status: StatusCode,
        answer: &HeaderMap,
        credential: &PlacedCredential,
    ) -> Result<Option<Self>, FetchError> {
        let becomes_get = match status.as_u16() {
            301 | 302 => self.method == Method::POST,
            303 => self.method != Method::GET && self.method != Method::HEAD,
            307 | 308 => false,
            _ => return Ok(None),
        };
        let Some(location) = answer.get(header::LOCATION) else {
            return Ok(None);
        };
        let unreadable = || FetchError::other("the service redirects to an invalid URL");
        let location = std::str::from_utf8(location.as_bytes()).map_err(|_| unreadable())?;
        let mut next = self.clone();
        next.url = self.url.join(location).map_err(|_| unreadable())?;
        next.url.set_fragment(None);
        // The service may have repeated the query that it received.
        credential.strip(&mut next.url);
        if becomes_get {
            next.method = Method::GET;
            next.body = None;
            for name in &BODY_HEADERS {
                next.headers.remove(name);
            }
        }
        if next.origin() != self.origin() {
            next.headers.remove(header::AUTHORIZATION);
        }
        Ok(Some(next))
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> Origin {
        self.url.origin()
    }
}

/// The bytes of all names and values.
pub(crate) fn header_bytes(headers: &[Header]) -> usize {
    headers
        .iter()
        .map(|header| header.name.len() + header.value.len())
        .sum()
}

fn headers(
    wanted: &[Header],
    credential: &PlacedCredential,
    limits: &EgressLimits,
) -> Result<HeaderMap, FetchError> {
    let (count, bytes) = (wanted.len(), header_bytes(wanted));
    if count > limits.headers_max || bytes > limits.header_bytes_max {
        let (count_max, bytes_max) = (limits.headers_max, limits.header_bytes_max);
        return Err(FetchError::other(format!(
            "the request has {count} headers of {bytes} bytes, but the limits are {count_max} and {bytes_max}"
        )));
    }
    let mut headers = HeaderMap::with_capacity(count + 3);
    for (index, header) in wanted.iter().enumerate() {
        let wrong = |what| FetchError::other(format!("header {index}: {what}"));
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| wrong("its name is invalid"))?;
        let value = HeaderValue::from_bytes(header.value.trim().as_bytes())
            .map_err(|_| wrong("its value contains control characters"))?;
        if !is_reserved(&name, credential) {
            headers.append(name, value);
        }
    }
    headers
        .entry(header::USER_AGENT)
        .or_insert(HeaderValue::from_static(USER_AGENT));
    Ok(headers)
}

/// True if a header may carry a credential. A cookie may. A header that decides where a
/// request goes or where its body ends may not.
pub(crate) fn may_hold_credential(name: &str) -> bool {
    let cookie = name == header::COOKIE.as_str();
    HeaderName::try_from(name).is_ok_and(|name| cookie || !belongs_to_connection(&name))
}

fn belongs_to_connection(name: &HeaderName) -> bool {
    HOST_HEADERS.contains(name) || name.as_str().starts_with(HOST_HEADERS_PREFIX)
}

/// True for a header that only the host may set.
fn is_reserved(name: &HeaderName, credential: &PlacedCredential) -> bool {
    belongs_to_connection(name)
        || credential.header().as_ref() == Some(name)
        || (*name == header::AUTHORIZATION && !credential.leaves_authorization())
}

#[cfg(test)]
mod tests;
