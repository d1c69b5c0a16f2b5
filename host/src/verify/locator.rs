//! Values that stand where a description says: the sender's delivery id, the
//! account, a handshake's challenge.

use crate::domain::source::Locator;
use crate::verify::pointer::BodyValue;
use crate::verify::{HeaderValue, Request, query};
use sha2::{Digest, Sha256};

/// Bytes of a delivery id or an account that are kept as they are.
pub const LOCATED_BYTES_MAX: usize = 512;

impl Request<'_> {
    /// The sender's id for this delivery, by which a repetition is recognised.
    pub fn delivery_id(&self) -> Option<String> {
        self.first(&self.source().delivery_id).map(indexable)
    }

    /// The account to which an app-level delivery belongs.
    pub fn account(&self) -> Option<String> {
        self.first(&self.source().account).map(indexable)
    }

    fn first(&self, locators: &[Locator]) -> Option<String> {
        locators.iter().find_map(|locator| self.value_at(locator))
    }

    /// The text at a locator, if there is any. What is no UTF-8 is replaced.
    pub(super) fn value_at(&self, locator: &Locator) -> Option<String> {
        let text = match locator {
            Locator::Header(name) => match self.headers().find(name) {
                HeaderValue::Missing => return None,
                HeaderValue::One(value) | HeaderValue::Several(value) => {
                    String::from_utf8_lossy(value).into_owned()
                }
            },
            Locator::BodyPointer(pointer) => match self.body_value(pointer)? {
                BodyValue::String(text) | BodyValue::Number(text) => text.clone(),
                BodyValue::Bool(value) => value.to_string(),
                BodyValue::Null | BodyValue::Other => return None,
            },
            Locator::Query(name) => {
                let value = query::values(self.query(), name).next()?;
                String::from_utf8_lossy(&value).into_owned()
            }
        };
        (!text.is_empty()).then_some(text)
    }
}

/// A value that a database can hold in an index. Cutting it short would make two
/// deliveries one, and the second would be lost; its digest does not.
fn indexable(value: String) -> String {
    if value.len() <= LOCATED_BYTES_MAX && !value.contains('\0') {
        return value;
    }
    format!("sha256:{}", hex::encode(Sha256::digest(value.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::delivery::Header;
    use crate::domain::source::WebhookScheme;

    fn source(delivery_id: Vec<Locator>) -> WebhookScheme {
        WebhookScheme {
            verification: vec![],
            account: delivery_id.clone(),
            delivery_id,
            handshakes: vec![],
        }
    }

    fn located(locators: Vec<Locator>, header: &str, query: &str, body: &[u8]) -> Option<String> {
        let source = source(locators);
        let headers = vec![Header {
            name: "x-id".to_owned(),
            value: header.to_owned(),
        }];
        let request = Request::new(&source, &headers, query, body, Timestamp(0));
        assert_eq!(request.delivery_id(), request.account());
        request.delivery_id()
    }

    fn everywhere() -> Vec<Locator> {
        vec![
            Locator::Header("X-Id".to_owned()),
            Locator::BodyPointer("/a/id".to_owned()),
            Locator::Query("id".to_owned()),
        ]
    }

    #[test]
    fn the_first_locator_with_a_value_that_is_not_empty_wins() {
        let find =
            |header, query, body: &str| located(everywhere(), header, query, body.as_bytes());
        assert_eq!(
            find("h", "id=q", r#"{"a":{"id":"b"}}"#).as_deref(),
            Some("h")
        );
        assert_eq!(
            find("", "id=q", r#"{"a":{"id":"b"}}"#).as_deref(),
            Some("b")
        );
        assert_eq!(
            find("", "id=q%31", r#"{"a":{"id":""}}"#).as_deref(),
            Some("q1")
        );
        assert_eq!(find("", "id=", r#"{"a":{"id":null}}"#), None);
    }

    #[test]
    fn numbers_keep_their_digits_and_containers_are_no_value() {
        let find = |body: &str| located(everywhere(), "", "", body.as_bytes());
        let long = r#"{"a":{"id":184467440737095516159}}"#;
        assert_eq!(find(long).as_deref(), Some("184467440737095516159"));
        assert_eq!(find(r#"{"a":{"id":true}}"#).as_deref(), Some("true"));
        assert_eq!(find(r#"{"a":{"id":[1]}}"#), None);
        assert_eq!(find("no json"), None);
    }

    #[test]
    fn ids_that_no_index_can_hold_stay_distinct() {
        let id = |end: char| {
            let body = format!(
                r#"{{"a":{{"id":"{}{end}"}}}}"#,
                "x".repeat(LOCATED_BYTES_MAX)
            );
            located(everywhere(), "", "", body.as_bytes()).unwrap()
        };
        assert_ne!(id('a'), id('b'));
        assert!(id('a').starts_with("sha256:"));
        let nul = located(everywhere(), "", "", br#"{"a":{"id":"x\u0000"}}"#).unwrap();
        assert!(!nul.contains('\0'));
    }
}
