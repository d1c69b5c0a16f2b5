//! The API, called as a client calls it.

mod again;
mod outbox;
mod resources;
mod rules;
mod secrets;
mod tenants;
mod triggers;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use triggerhouse_tests::app::{Hook, text};
use triggerhouse_tests::{TestApp, github};

/// Asserts that a response is a problem with this status, and returns its body.
async fn problem(response: Response, status: StatusCode) -> Value {
    let found = response.status();
    let kind = response.headers().get("content-type").cloned();
    let body = response.text().await.unwrap();
    assert_eq!(found, status, "{body}");
    assert_eq!(kind.unwrap(), "application/problem+json");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["status"], status.as_u16());
    assert_eq!(body["type"], "about:blank");
    assert!(body["title"].is_string() && body["detail"].is_string());
    assert!(body["errors"].is_array());
    body
}

/// Makes a call that is refused with this status.
async fn refused(
    app: &mut TestApp,
    method: Method,
    path: &str,
    body: Value,
    status: StatusCode,
) -> Value {
    let response = app.call("acme", method, path, Some(body)).await;
    problem(response, status).await
}

/// The JSON Pointers of a problem's errors.
fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect()
}

async fn patch(app: &mut TestApp, path: &str, body: Value) -> Value {
    let response = app.call("acme", Method::PATCH, path, Some(body)).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

/// Sends a delivery to the test provider, which returns the events that the body lists.
async fn echo(app: &TestApp, hook: &Hook, body: Value) -> String {
    let body = body.to_string();
    let signature = github::signature(&hook.secret, body.as_bytes());
    let request = app.http.post(&hook.url);
    let request = request.header("x-echo-signature", signature).body(body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    text(&response.json::<Value>().await.unwrap()["id"])
}

fn event(key: &str, kind: &str) -> Value {
    json!({"dedup_key": key, "kind": kind, "title": key, "facts": {"key": key}})
}
