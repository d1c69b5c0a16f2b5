//! Tests of the readers.

use super::*;
use serde_json::json;

#[test]
fn an_error_names_the_path_and_both_types() {
    let value = json!({"issue": {"labels": [{"name": "a"}, {"name": 7}], "title": null}});
    let payload = Payload::new(&value);
    let error = payload.texts("/issue/labels", "/name").unwrap_err();
    assert_eq!(
        error.to_string(),
        "/issue/labels/1/name: expected a string, found a number"
    );
    let error = payload.text("/issue/title").unwrap_err();
    assert_eq!(
        error.to_string(),
        "/issue/title: expected a string, found null"
    );
    let error = payload.integer("/issue/number").unwrap_err();
    assert_eq!(
        error.to_string(),
        "/issue/number: expected a whole number, found nothing"
    );
}

#[test]
fn an_optional_value_may_be_missing_but_not_of_another_type() {
    let value = json!({"a": {"b": [1]}, "n": null});
    let payload = Payload::new(&value);
    assert_eq!(payload.text_opt("/n"), Ok(None));
    assert_eq!(payload.text_opt("/zzz"), Ok(None));
    assert!(payload.text_opt("/a").is_err());
    assert!(payload.items("/zzz").is_ok_and(|items| items.is_empty()));
}

#[test]
fn a_required_object_must_be_one() {
    let value = json!({"issue": {"user": {"login": "a"}}, "title": "t"});
    let payload = Payload::new(&value);
    let issue = payload.object("/issue").unwrap();
    assert_eq!(
        issue.text("/user/name").unwrap_err().to_string(),
        "/issue/user/name: expected a string, found nothing"
    );
    assert_eq!(
        payload.object("/title").unwrap_err().to_string(),
        "/title: expected an object, found a string"
    );
    assert!(payload.object("/zzz").is_err());
    assert_eq!(payload.array("/zzz"), Ok(&[][..]));
}

#[test]
fn a_pointer_finds_what_rfc_6901_says() {
    let value = json!({"a": [{"b": 1}, 2], "": 3, "x/y": 4, "m~n": 5, "0": {"": 6}});
    let pointers = [
        "", "/", "/a", "/a/0/b", "/a/1", "/a/2", "/a/01", "/a/+1", "/a/-", "/a/", "a", "/x~1y",
        "/m~0n", "/0/", "/a/1/b",
    ];
    for pointer in pointers {
        assert_eq!(
            look_up(&value, pointer),
            value.pointer(pointer),
            "{pointer}"
        );
    }
}

#[test]
fn times_are_read_from_text_and_from_seconds() {
    let value =
        json!({"text": "2026-01-02T03:04:05.5+01:00", "seconds": 1_700_000_000, "bad": "today"});
    let payload = Payload::new(&value);
    assert_eq!(payload.time_opt("/text"), Ok(Some(1_767_319_445_500_000)));
    assert_eq!(
        payload.time_opt("/seconds"),
        Ok(Some(1_700_000_000_000_000))
    );
    assert!(payload.time_opt("/bad").is_err());
}
