//! The time from the answer to a webhook until a waiting consumer has its run, on an idle server.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::Signer;
use crate::payloads::{FIXTURE, Payloads};

/// Long enough that the long poll stands before the delivery is sent.
const PAUSE: Duration = Duration::from_millis(50);
const WAIT_S: u64 = 5;

#[derive(Clone)]
struct Consumer {
    http: reqwest::Client,
    url: String,
    key: String,
}

pub async fn run(
    url: &str,
    key: &str,
    hook: &str,
    secret: &str,
    count: usize,
) -> anyhow::Result<()> {
    ensure!(count > 0, "at least one delivery must be sent");
    let payloads = Payloads::new(Path::new(FIXTURE))?;
    let signer = Signer::new(secret)?;
    let sender = client();
    let consumer = Consumer {
        http: client(),
        url: url.to_owned(),
        key: key.to_owned(),
    };
    // What earlier deliveries left would be taken for the answer to the first one.
    while let Some(message) = consumer.claim(0).await? {
        consumer.ack(&message).await?;
    }

    let (mut from_ack_us, mut from_send_us) = (Vec::new(), Vec::new());
    for n in 0..count {
        let body = payloads.body(n)?;
        let waiting = tokio::spawn({
            let consumer = consumer.clone();
            async move {
                consumer
                    .claim(WAIT_S)
                    .await
                    .map(|message| (message, Instant::now()))
            }
        });
        tokio::time::sleep(PAUSE).await;

        let request = sender
            .post(hook)
            .header("content-type", "application/json")
            .header("x-github-event", "issues")
            .header("x-github-delivery", Uuid::now_v7().to_string())
            .header(
                "x-hub-signature-256",
                format!("sha256={}", signer.sign(&body)),
            )
            .body(body);
        let sent_at = Instant::now();
        let answer = request.send().await?;
        let acknowledged_at = Instant::now();
        ensure!(
            answer.status() == 200,
            "the delivery was answered {}",
            answer.status()
        );

        let (message, claimed_at) = waiting.await??;
        let Some(message) = message else {
            bail!(
                "no outbox message came within {WAIT_S} s of delivery {}",
                n + 1
            );
        };
        consumer.ack(&message).await?;
        // The run may be with its consumer before the sender has read its 200: then nothing was waited for.
        from_ack_us.push(
            claimed_at
                .saturating_duration_since(acknowledged_at)
                .as_micros(),
        );
        from_send_us.push(claimed_at.saturating_duration_since(sent_at).as_micros());
    }

    println!(
        "count={count} ack_to_outbox_p50_ms={} ack_to_outbox_p99_ms={} send_to_outbox_p50_ms={} send_to_outbox_p99_ms={}",
        percentile_ms(&mut from_ack_us, 50),
        percentile_ms(&mut from_ack_us, 99),
        percentile_ms(&mut from_send_us, 50),
        percentile_ms(&mut from_send_us, 99),
    );
    Ok(())
}

/// The smallest value that the given share of all values does not exceed.
fn percentile_ms(values_us: &mut [u128], percent: usize) -> String {
    values_us.sort_unstable();
    let rank = (values_us.len() * percent).div_ceil(100).max(1);
    format!("{:.2}", values_us[rank - 1] as f64 / 1000.0)
}

impl Consumer {
    async fn claim(&self, wait_seconds: u64) -> anyhow::Result<Option<Value>> {
        let request = json!({"max": 1, "lease_seconds": 30, "wait_seconds": wait_seconds});
        let answer = self.post("/v1/outbox/claim", request).await?;
        let mut answer: Value = answer
            .json()
            .await
            .context("the claim's answer is no JSON")?;
        Ok(answer["items"].get_mut(0).map(Value::take))
    }

    async fn ack(&self, message: &Value) -> anyhow::Result<()> {
        let id = message["id"]
            .as_str()
            .context("the outbox message has no id")?;
        self.post(
            &format!("/v1/outbox/{id}/ack"),
            json!({"lease_token": message["lease_token"]}),
        )
        .await?;
        Ok(())
    }

    async fn post(&self, path: &str, body: Value) -> anyhow::Result<reqwest::Response> {
        let answer = self
            .http
            .post(format!("{}{path}", self.url))
            .bearer_auth(&self.key)
            .json(&body)
            .send()
            .await?;
        ensure!(
            answer.status().is_success(),
            "POST {path} was answered {}",
            answer.status()
        );
        Ok(answer)
    }
}

/// A client; none of the addresses needs TLS, but reqwest wants a provider of it.
fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
