//! Deliveries of GitHub, signed without the host's code.
#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, RequestBuilder};
use sha2::Sha256;

/// The secret with which a GitHub App signs for the tests' hosts.
pub const APP_SECRET: &str = "github-app-secret";

/// The value of `X-Hub-Signature-256`.
///
/// # Panics
/// Never: HMAC takes keys of any length.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// A signed delivery.
pub fn delivery(
    client: &Client,
    url: &str,
    secret: &str,
    event: &str,
    id: &str,
    body: &[u8],
) -> RequestBuilder {
    client
        .post(url)
        .header("content-type", "application/json")
        .header("user-agent", "GitHub-Hookshot/test")
        .header("x-github-event", event)
        .header("x-github-delivery", id)
        .header("x-hub-signature-256", signature(secret, body))
        .body(body.to_vec())
}

/// A small `issues` payload that differs with `number`.
pub fn issue(action: &str, number: u64) -> Vec<u8> {
    serde_json::json!({
        "action": action,
        "issue": {
            "id": 1_000_000 + number,
            "number": number,
            "title": format!("Issue {number}"),
            "html_url": format!("https://github.com/octo-org/octo-repo/issues/{number}"),
            "state": "open",
            "user": {"login": "octocat", "type": "User"},
            "labels": [{"name": "bug"}],
            "created_at": "2026-01-02T03:04:05Z",
            "updated_at": "2026-01-02T03:04:05Z"
        },
        "repository": {
            "id": 1,
            "full_name": "octo-org/octo-repo",
            "html_url": "https://github.com/octo-org/octo-repo",
            "default_branch": "main",
            "private": false,
            "owner": {"login": "octo-org", "type": "Organization"}
        },
        "sender": {"login": "octocat", "type": "User"}
    })
    .to_string()
    .into_bytes()
}

/// A payload as GitHub sends it to a webhook whose content type is a form.
pub fn form(json: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", json)
        .finish()
}
