//! A request as a description reads it: the bytes as they arrived, and the values in the
//! body that the description names. The body is parsed on first use.

use crate::domain::Timestamp;
use crate::domain::delivery::Header;
use crate::domain::source::{Locator, TimestampSource, VerificationScheme, WebhookScheme};
use crate::verify::VerifyError;
use crate::verify::pointer::{self, BodyValue};
use std::fmt;
use std::sync::OnceLock;

/// The values of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderValue<'a> {
    /// No value.
    Missing,
    /// One value.
    One(&'a [u8]),
    /// The first of several values.
    Several(&'a [u8]),
}

/// Headers of a request or of a stored delivery.
pub trait Headers: Sync {
    /// The values of `name`, in any case.
    fn find(&self, name: &str) -> HeaderValue<'_>;
}

impl Headers for http::HeaderMap {
    fn find(&self, name: &str) -> HeaderValue<'_> {
        only(self.get_all(name).iter().map(http::HeaderValue::as_bytes))
    }
}

impl Headers for Vec<Header> {
    fn find(&self, name: &str) -> HeaderValue<'_> {
        let same_name = |header: &&Header| header.name.eq_ignore_ascii_case(name);
        only(
            self.iter()
                .filter(same_name)
                .map(|header| header.value.as_bytes()),
        )
    }
}

fn only<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> HeaderValue<'a> {
    match (values.next(), values.next()) {
        (None, _) => HeaderValue::Missing,
        (Some(value), None) => HeaderValue::One(value),
        (Some(value), Some(_)) => HeaderValue::Several(value),
    }
}

/// A description's pointers with their values, or the reason why the body is no JSON.
type Located = Result<Vec<(String, Option<BodyValue>)>, String>;

/// A request or a stored delivery, with the description that reads it.
pub struct Request<'a> {
    source: &'a WebhookScheme,
    headers: &'a dyn Headers,
    query: &'a str,
    body: &'a [u8],
    received_at: Timestamp,
    located: OnceLock<Located>,
}

impl<'a> Request<'a> {
    /// `query` is the percent-encoded query string without `?`, `body` has the exact bytes,
    /// and `received_at` is the time against which freshness is judged.
    pub fn new(
        source: &'a WebhookScheme,
        headers: &'a dyn Headers,
        query: &'a str,
        body: &'a [u8],
        received_at: Timestamp,
    ) -> Self {
        Self {
            source,
            headers,
            query,
            body,
            received_at,
            located: OnceLock::new(),
        }
    }

    pub(super) fn source(&self) -> &'a WebhookScheme {
        self.source
    }

    pub(super) fn headers(&self) -> &'a dyn Headers {
        self.headers
    }

    pub(super) fn query(&self) -> &'a str {
        self.query
    }

    pub(super) fn body(&self) -> &'a [u8] {
        self.body
    }

    pub(super) fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// The value of a header that verification relies on; an error if it occurs twice.
    pub(super) fn sole_header(&self, name: &str) -> Result<Option<&'a [u8]>, VerifyError> {
        match self.headers.find(name) {
            HeaderValue::Missing => Ok(None),
            HeaderValue::One(value) => Ok(Some(value)),
            HeaderValue::Several(_) => Err(VerifyError::Repeated),
        }
    }

    /// The value at a pointer of the body; `None` also if the body is no JSON.
    pub(super) fn body_value(&self, pointer: &str) -> Option<&BodyValue> {
        let located = self.located().as_ref().ok()?;
        let (_, value) = located.iter().find(|(known, _)| known == pointer)?;
        value.as_ref()
    }

    /// The reason why the body is no JSON, if the description names values in it. May quote
    /// the body.
    pub fn body_error(&self) -> Option<&str> {
        self.located().as_ref().err().map(String::as_str)
    }

    /// The values of all pointers, read in one pass over the body.
    fn located(&self) -> &Located {
        self.located.get_or_init(|| {
            let pointers = body_pointers(self.source);
            let values = pointer::read(self.body, &pointers)?;
            Ok(pointers
                .into_iter()
                .map(str::to_owned)
                .zip(values)
                .collect())
        })
    }
}

/// Omits headers, query and body, which may contain secrets.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("body_bytes", &self.body.len())
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}

/// Every JSON Pointer of a description.
fn body_pointers(source: &WebhookScheme) -> Vec<&str> {
    let handshakes = source
        .handshakes
        .iter()
        .flat_map(|handshake| [&handshake.when, &handshake.echo]);
    let located = source
        .delivery_id
        .iter()
        .chain(&source.account)
        .chain(handshakes)
        .filter_map(|locator| match locator {
            Locator::BodyPointer(pointer) => Some(pointer.as_str()),
            Locator::Header(_) | Locator::Query(_) => None,
        });
    let timestamps = source
        .verification
        .iter()
        .filter_map(|scheme| match scheme {
            VerificationScheme::Hmac(scheme) => scheme.timestamp.as_ref(),
            VerificationScheme::StandardWebhooks(_) | VerificationScheme::Token(_) => None,
        })
        .flat_map(|rule| &rule.sources)
        .filter_map(|source| match source {
            TimestampSource::BodyPointer(pointer) => Some(pointer.as_str()),
            TimestampSource::Header(_) | TimestampSource::ListField(_) => None,
        });
    let mut pointers: Vec<&str> = located.chain(timestamps).collect();
    pointers.sort_unstable();
    pointers.dedup();
    pointers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_in_any_case_and_repetitions_show() {
        let mut map = http::HeaderMap::new();
        map.append("X-One", "1".parse().unwrap());
        map.append("x-two", "a".parse().unwrap());
        map.append("x-two", "b".parse().unwrap());
        assert_eq!(map.find("x-ONE"), HeaderValue::One(b"1"));
        assert_eq!(map.find("X-Two"), HeaderValue::Several(b"a"));
        assert_eq!(map.find("x-three"), HeaderValue::Missing);
        assert_eq!(map.find("not a header name"), HeaderValue::Missing);

        let stored = vec![Header {
            name: "x-one".to_owned(),
            value: "1".to_owned(),
        }];
        assert_eq!(stored.find("X-One"), HeaderValue::One(b"1"));
    }
}
