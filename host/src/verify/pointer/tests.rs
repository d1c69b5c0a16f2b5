//! Pointers compared with RFC 6901 and with a tree, and read from bytes that are no JSON.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

fn one(body: &str, pointer: &str) -> Option<BodyValue> {
    read(body.as_bytes(), &[pointer]).ok()?.remove(0)
}

fn text(text: &str) -> Option<BodyValue> {
    Some(BodyValue::String(text.to_owned()))
}

#[test]
fn the_examples_of_rfc_6901_hold() {
    let body = r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#;
    let number = |digits: &str| Some(BodyValue::Number(digits.to_owned()));
    assert_eq!(one(body, ""), Some(BodyValue::Other));
    assert_eq!(one(body, "/foo"), Some(BodyValue::Other));
    assert_eq!(one(body, "/foo/0"), text("bar"));
    assert_eq!(one(body, "/"), number("0"));
    assert_eq!(one(body, "/a~1b"), number("1"));
    assert_eq!(one(body, "/i\\j"), number("5"));
    assert_eq!(one(body, "/k\"l"), number("6"));
    assert_eq!(one(body, "/m~0n"), number("8"));
    for missing in ["/foo/2", "/foo/-", "/foo/00", "/foo/0/x", "foo", "/x"] {
        assert_eq!(one(body, missing), None, "{missing}");
    }
}

#[test]
fn of_members_with_the_same_name_the_last_counts() {
    let body = r#"{"a":{"b":"1"},"a":{"b":"2"}}"#;
    assert_eq!(one(body, "/a/b"), text("2"));
    assert_eq!(one(r#"{"a":{"b":"1"},"a":{"c":"2"}}"#, "/a/b"), None);
    assert_eq!(one(r#"{"a":{"b":"1"},"a":3}"#, "/a/b"), None);
}

#[test]
fn what_is_no_json_document_holds_nothing() {
    for body in [
        "",
        "{",
        r#"{"a":1"#,
        r#"{"a":1}x"#,
        r#"{"a":1}{"a":2}"#,
        "a=1",
        "\0",
    ] {
        assert_eq!(one(body, "/a"), None, "{body:?}");
    }
    assert!(read(b"{\"a\":\"\xff\"}", &["/a"]).is_err());
    assert_eq!(one(r#"{"a":"\ud800"}"#, "/a"), Some(BodyValue::Other));
}

#[test]
fn nesting_harms_nobody() {
    let depth = 100_000;
    let body = format!(
        r#"{{"x":{}{},"a":"1"}}"#,
        "[".repeat(depth),
        "]".repeat(depth)
    );
    assert_eq!(one(&body, "/a"), text("1"));
    // A deep pointer hits the parser's recursion limit.
    let deep = "/0".repeat(200);
    assert_eq!(
        one(&format!("{}{}", "[".repeat(200), "]".repeat(200)), &deep),
        None
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a~/\"\\PC]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[ab01/~]{0,1}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn several_pointers_in_one_pass_find_what_a_tree_would_give(
        json in any_json(),
        pointers in prop::collection::vec("(/(a|b|0|1|~0|~1|)){0,3}", 1..6),
    ) {
        let body = serde_json::to_vec_pretty(&json).unwrap();
        let pointers: Vec<&str> = pointers.iter().map(String::as_str).collect();
        let expected: Vec<_> = pointers
            .iter()
            .map(|pointer| json.pointer(pointer).map(|value| match value {
                Value::Null => BodyValue::Null,
                Value::Bool(value) => BodyValue::Bool(*value),
                Value::Number(number) => BodyValue::Number(number.to_string()),
                Value::String(text) => BodyValue::String(text.clone()),
                Value::Array(_) | Value::Object(_) => BodyValue::Other,
            }))
            .collect();
        prop_assert_eq!(read(&body, &pointers), Ok(expected));
    }

    #[test]
    fn no_bytes_make_it_panic(body: Vec<u8>, pointer in "(/[a0~]{0,2}){0,3}") {
        let _ = read(&body, &[&pointer, ""]);
    }
}
