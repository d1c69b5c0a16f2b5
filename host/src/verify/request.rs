//! A request as one source sees it: the bytes as they arrived, and the values in
//! its body that the source names, parsed when one is first asked for.

use crate::domain::Timestamp;
use crate::domain::delivery::Header;
use crate::domain::source::{Locator, TimestampSource, VerificationScheme, WebhookScheme};
use crate::verify::VerifyError;
use crate::verify::pointer::{self, BodyValue};
use std::fmt;
use std::sync::OnceLock;

/// What stands under a header's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderValue<'a> {
    /// Nothing.
    Missing,
    /// One value.
    One(&'a [u8]),
    /// Several; this is the first.
    Several(&'a [u8]),
}

/// Headers, as they arrived or as they were stored.
pub trait Headers: Sync {
    /// What stands under `name`, whose case does not matter.
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

/// A source's pointers and what stands there, or why the body is no JSON.
type Located = Result<Vec<(String, Option<BodyValue>)>, String>;

/// A request (or a stored delivery) together with the description by which it is
/// read.
pub struct Request<'a> {
    source: &'a WebhookScheme,
    headers: &'a dyn Headers,
    query: &'a str,
    body: &'a [u8],
    received_at: Timestamp,
    located: OnceLock<Located>,
}

impl<'a> Request<'a> {
    /// `query` is the query string without `?`, still percent-encoded; `body` the
    /// exact bytes; `received_at` the time by which freshness is judged.
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

    /// The value of a header that verification relies on.
    pub(super) fn sole_header(&self, name: &str) -> Result<Option<&'a [u8]>, VerifyError> {
        match self.headers.find(name) {
            HeaderValue::Missing => Ok(None),
            HeaderValue::One(value) => Ok(Some(value)),
            HeaderValue::Several(_) => Err(VerifyError::Repeated),
        }
    }

    /// What stands at a pointer of the body; `None` also if the body is no JSON.
    pub(super) fn body_value(&self, pointer: &str) -> Option<&BodyValue> {
        let located = self.located().as_ref().ok()?;
        let (_, value) = located.iter().find(|(known, _)| known == pointer)?;
        value.as_ref()
    }

    /// Why nothing can be read from the body, although the source names values in
    /// it. May quote the body.
    pub fn body_error(&self) -> Option<&str> {
        self.located().as_ref().err().map(String::as_str)
    }

    /// All of the source's pointers in one pass over the body.
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

/// Shows no header, query or body: all three can carry what must not be logged.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("body_bytes", &self.body.len())
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}

/// Every JSON Pointer that a source names.
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
    fn headers_are_found_whatever_their_case_and_say_when_they_stand_twice() {
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
