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
    let find = |header, query, body: &str| located(everywhere(), header, query, body.as_bytes());
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
