//! Recorded deliveries of every webhook provider. They are signed as the service signs,
//! without the host's code.
#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use crate::{files, github};
use reqwest::{Client, RequestBuilder};
use serde_json::{Map, Value};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The providers that ship with the host and take webhooks.
pub const PROVIDERS: [&str; 4] = ["github", "linear", "posthog", "sentry"];

/// A delivery as recorded, or as the service documents it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The provider.
    pub provider: &'static str,
    /// Headers, without signature and delivery id.
    pub headers: Vec<(String, String)>,
    /// The body, a JSON object unless it is malformed on purpose.
    pub body: Value,
}

/// All recorded deliveries of a provider.
///
/// # Panics
/// If a fixture is malformed, or there is no such provider.
pub fn recorded(provider: &'static str) -> Vec<Recorded> {
    let of = |file: &str| collection(&format!("{provider}/{file}"));
    let new = |headers: Vec<(String, String)>, body| Recorded {
        provider,
        headers,
        body,
    };
    let header = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    match provider {
        "github" => of("octokit.json")
            .into_iter()
            .map(|(event, body)| new(header("x-github-event", &event), body))
            .collect(),
        "linear" => ["trigger-dev.json", "linear-webhook.json", "schema.json"]
            .into_iter()
            .flat_map(of)
            .map(|(kind, body)| new(header("linear-event", &kind), body))
            .collect(),
        "sentry" => ["zulip.json", "example-app.json", "documented.json"]
            .into_iter()
            .flat_map(of)
            .map(|(resource, body)| match resource.as_str() {
                "legacy" => new(Vec::new(), body),
                resource => new(header("sentry-hook-resource", resource), body),
            })
            .collect(),
        "posthog" => of("bodies.json")
            .into_iter()
            .map(|(_, delivery)| {
                let headers: Map<String, Value> =
                    serde_json::from_value(delivery["headers"].clone()).expect("headers");
                let own = |name: &str| !name.starts_with("webhook-");
                let headers = headers.into_iter().filter(|(name, _)| own(name));
                let headers = headers.map(|(name, value)| {
                    let value = value.as_str().expect("a header's value").to_owned();
                    (name, value)
                });
                new(headers.collect(), delivery["body"].clone())
            })
            .collect(),
        other => panic!("nothing is recorded of {other}"),
    }
}

/// The payloads of a fixture, each with its key.
fn collection(file: &str) -> Vec<(String, Value)> {
    let collection: Map<String, Value> =
        serde_json::from_str(&files::fixture_text(file)).expect("a fixture");
    collection
        .into_iter()
        .flat_map(|(key, payloads)| {
            let payloads: Vec<Value> = serde_json::from_value(payloads).expect("payloads");
            payloads
                .into_iter()
                .map(move |payload| (key.clone(), payload))
        })
        .collect()
}

/// A body with Linear's timestamp of `ago`, and its signature.
///
/// # Panics
/// If the clock is wrong.
pub fn signed_ago(recorded: &Recorded, ago: Duration, secret: &str) -> (String, String) {
    let mut body = recorded.body.clone();
    let at = SystemTime::now() - ago;
    let at = at.duration_since(UNIX_EPOCH).expect("now").as_millis();
    body["webhookTimestamp"] = u64::try_from(at).expect("now").into();
    let body = body.to_string();
    let signature = github::signature(secret, body.as_bytes());
    (body, signature.trim_start_matches("sha256=").to_owned())
}

impl Recorded {
    /// The delivery as the service would send it now.
    ///
    /// # Panics
    /// If the clock is wrong.
    pub fn delivery(&self, client: &Client, url: &str, secret: &str, id: &str) -> RequestBuilder {
        let mut body = self.body.clone();
        if self.provider == "linear" {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("now");
            let now = u64::try_from(now.as_millis()).expect("now");
            body["webhookTimestamp"] = now.into();
        }
        let body = body.to_string();
        let hmac = github::signature(secret, body.as_bytes());
        let hex = hmac.trim_start_matches("sha256=");
        let (name, value, id_header) = match self.provider {
            "github" => ("x-hub-signature-256", hmac.clone(), "x-github-delivery"),
            "linear" => ("linear-signature", hex.to_owned(), "linear-delivery"),
            "sentry" => ("sentry-hook-signature", hex.to_owned(), "request-id"),
            _ => ("authorization", format!("Bearer {secret}"), "x-attempt"),
        };
        let mut request = client.post(url).header("content-type", "application/json");
        for (name, value) in self
            .headers
            .iter()
            .filter(|(name, _)| name != "content-type")
        {
            request = request.header(name, value);
        }
        request.header(name, value).header(id_header, id).body(body)
    }
}
