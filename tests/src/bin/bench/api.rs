//! A client of the server's API.

use anyhow::{Context, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// Longer than any call takes, a long poll included.
const LEASE_S: u64 = 30;

/// A client with a key.
#[derive(Clone)]
pub struct Api {
    http: Client,
    url: String,
    key: String,
}

/// A webhook trigger on GitHub's opened issues.
pub struct Hook {
    pub url: String,
    pub secret: String,
}

impl Api {
    /// A client of the server at `url`.
    pub fn new(url: String, key: String) -> Self {
        Self {
            http: triggerhouse_tests::client(),
            url,
            key,
        }
    }

    /// Creates a trigger that every delivery of the benchmark matches.
    pub async fn create_hook(&self) -> anyhow::Result<Hook> {
        let created = self
            .call(
                Method::POST,
                "/v1/triggers",
                Some(json!({
                    "name": "bench",
                    "provider": "github",
                    "kind": "webhook",
                    "config": {"events": ["issues.opened"]},
                })),
            )
            .await?;
        Ok(Hook {
            url: text(&created, "webhook_url")?,
            secret: text(&created, "webhook_secret")?,
        })
    }

    /// Creates a sink, whose description is the body of the request; returns its id.
    pub async fn create_sink(&self, sink: Value) -> anyhow::Result<String> {
        let created = self.call(Method::POST, "/v1/sinks", Some(sink)).await?;
        text(&created["sink"], "id")
    }

    /// Deletes a sink.
    pub async fn delete_sink(&self, id: &str) -> anyhow::Result<()> {
        self.call(Method::DELETE, &format!("/v1/sinks/{id}"), None)
            .await?;
        Ok(())
    }

    /// Claims a message; waits up to `wait_seconds` for one.
    pub async fn claim(&self, wait_seconds: u64) -> anyhow::Result<Option<Value>> {
        let request = json!({"max": 1, "lease_seconds": LEASE_S, "wait_seconds": wait_seconds});
        let mut answer = self
            .call(Method::POST, "/v1/outbox/claim", Some(request))
            .await?;
        Ok(answer["items"].get_mut(0).map(Value::take))
    }

    /// Acknowledges a claimed message.
    pub async fn ack(&self, message: &Value) -> anyhow::Result<()> {
        let path = format!("/v1/outbox/{}/ack", text(message, "id")?);
        let request = json!({"lease_token": message["lease_token"]});
        self.call(Method::POST, &path, Some(request)).await?;
        Ok(())
    }

    /// The JSON in the answer to a call; null if it has no body.
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.bearer_auth(&self.key).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(
            status.is_success(),
            "{method} {path} was answered {status}: {text}"
        );
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).with_context(|| format!("{method} {path}: not JSON"))
    }
}

fn text(value: &Value, name: &str) -> anyhow::Result<String> {
    let text = value[name].as_str();
    Ok(text
        .with_context(|| format!("no `{name}` in {value}"))?
        .to_owned())
}
