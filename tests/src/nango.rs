//! Messages of Nango, signed without the host's code.
#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use crate::{TestApp, github};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

/// The key with which Nango signs for the tests' hosts.
pub const SIGNING_KEY: &str = "nango-signing-key";

/// The value of `X-Nango-Hmac-Sha256`.
pub fn signature(key: &str, body: &[u8]) -> String {
    github::signature(key, body).replace("sha256=", "")
}

/// A signed message to one of the two routes.
pub fn message(app: &TestApp, path: &str, body: &[u8]) -> RequestBuilder {
    app.http
        .post(format!("{}{path}", app.url))
        .header("content-type", "application/json")
        .header("x-nango-hmac-sha256", signature(SIGNING_KEY, body))
        .body(body.to_vec())
}

/// An envelope with its keys in Nango's order.
pub fn envelope(connection: &str, payload: &Value) -> Value {
    json!({
        "connectionId": connection,
        "from": "any-provider",
        "payload": payload,
        "providerConfigKey": "an-id-of-our-own",
        "type": "forward",
    })
}

/// The same envelope under another key, from another service.
pub fn envelope_of(key: &str, service: &str, connection: &str, payload: &Value) -> Value {
    let mut envelope = envelope(connection, payload);
    envelope["providerConfigKey"] = key.into();
    envelope["from"] = service.into();
    envelope
}

/// Posts a message that is accepted, and returns the answer.
///
/// # Panics
/// If it is not.
pub async fn taken(request: RequestBuilder) -> Value {
    let response = request.send().await.expect("an answer");
    let status = response.status();
    let text = response.text().await.expect("a body");
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).expect("JSON")
}
