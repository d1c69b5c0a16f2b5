//! Tests of the fake itself, where others rely on it.

use super::*;
use crate::fake::{Calls, Gmail as Fake};

fn get(gmail: &mut Fake, target: &str) -> (u16, Value) {
    let answer = gmail.answer("GET", &format!("/gmail/v1/users/me/{target}"), &[]);
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

#[test]
fn the_fake_requires_a_token_if_configured() {
    let mut gmail = Fake::new("me@example.com", NOW_MS);
    gmail.token = Some("secret".into());
    assert_eq!(get(&mut gmail, "profile").0, 401);
    let bearer = [("Authorization".to_owned(), "Bearer secret".to_owned())];
    let answer = gmail.answer("GET", "/gmail/v1/users/me/profile", &bearer);
    assert_eq!(answer.status, 200);
}

#[test]
fn the_fake_refuses_requests_that_the_api_does_not_know() {
    let mut gmail = Fake::new("me@example.com", NOW_MS);
    for _ in 0..3 {
        gmail.receive(draft("a"));
    }
    let (_, page) = get(&mut gmail, "messages?q=after:0&maxResults=2");
    let token = page["nextPageToken"].as_str().unwrap();
    let again = format!("messages?q=after:0&maxResults=2&pageToken={token}");
    assert_eq!(
        get(&mut gmail, &again).1["messages"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let other = format!("messages?q=after:1&pageToken={token}");
    for target in [
        other.as_str(),
        "messages?q=in:inbox",
        "history?startHistoryId=x&historyTypes=messageAdded",
        "messages/1?formt=full",
    ] {
        assert_eq!(get(&mut gmail, target).0, 400, "{target}");
    }
    assert_eq!(get(&mut gmail, "messages/abc").0, 404);
    assert_eq!(
        get(
            &mut gmail,
            "history?startHistoryId=1&historyTypes=messageAdded"
        )
        .0,
        200
    );
    gmail.expire_history();
    assert_eq!(
        get(
            &mut gmail,
            "history?startHistoryId=1&historyTypes=messageAdded"
        )
        .0,
        404
    );
    assert_eq!(
        gmail
            .answer("POST", "/gmail/v1/users/me/profile", &[])
            .status,
        405
    );
}

#[test]
fn the_fake_counts_units() {
    let calls = Calls {
        profile: 1,
        history: 1,
        list: 1,
        get: 1,
        labels: 1,
        failed: 9,
        refused: 9,
    };
    assert_eq!(calls.units(), 29);
}

#[test]
fn the_fake_enforces_the_quota_of_any_minute_if_configured() {
    let mut gmail = Fake::new("me@example.com", NOW_MS);
    gmail.units_per_minute = Some(42);
    let id = gmail.receive(draft("a"));
    let message = format!("messages/{id}");
    assert_eq!(get(&mut gmail, &message).0, 200);
    gmail.now_ms += 30_000;
    gmail.faults.push_back(Some(Fault::Server(500)));
    assert_eq!(get(&mut gmail, &message).0, 500, "which counts");
    let (status, refusal) = get(&mut gmail, &message);
    assert_eq!(status, 403);
    let reason = refusal["error"]["errors"][0]["reason"].as_str();
    assert_eq!(reason, Some("rateLimitExceeded"));
    assert_eq!(get(&mut gmail, "profile").0, 200);
    assert_eq!(get(&mut gmail, &message).0, 429);
    assert_eq!(get(&mut gmail, "labels").0, 200);
    assert_eq!(get(&mut gmail, "labels").0, 403);
    gmail.now_ms += 29_999;
    assert_eq!(get(&mut gmail, "labels").0, 403);
    gmail.now_ms += 1;
    assert_eq!(get(&mut gmail, &message).0, 200);
    assert_eq!(get(&mut gmail, "labels").0, 403);
    assert_eq!((gmail.calls.refused, gmail.calls.failed), (5, 1));
}

#[test]
fn the_fake_selects_fields() {
    let mut gmail = Fake::new("me@example.com", NOW_MS);
    let id = gmail.receive(draft("a"));
    let fields = "id,payload/mimeType,payload(parts(filename,body/size))";
    let (_, message) = get(
        &mut gmail,
        &format!("messages/{id}?format=full&fields={fields}"),
    );
    assert_eq!(
        message,
        json!({"id": id, "payload": {
            "mimeType": "multipart/mixed",
            "parts": [{"filename": "", "body": {"size": 6}}]
        }})
    );
}
