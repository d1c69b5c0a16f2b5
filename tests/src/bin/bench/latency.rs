//! The time from a delivery until a waiting consumer has its run, on an idle server.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use uuid::Uuid;

use crate::api::{Api, Hook};
use crate::limit::Signer;
use crate::load::percentile_ms;
use crate::payloads::Payloads;

const SAMPLES: usize = 50;
/// Enough for the consumer's long poll to reach the server before the delivery does.
const PAUSE: Duration = Duration::from_millis(50);
const WAIT_S: u64 = 5;

/// Latencies of single deliveries.
pub struct Latency {
    ack_us: Vec<u32>,
    send_us: Vec<u32>,
}

impl Latency {
    /// Sends one delivery after the other, each while a consumer waits for it.
    ///
    /// # Errors
    /// If a delivery is refused, or its message does not arrive.
    pub async fn measure(api: &Api, hook: &Hook) -> anyhow::Result<Self> {
        let payloads = Payloads::of_fixture()?;
        let signer = Signer::new(&hook.secret)?;
        let sender = triggerhouse_tests::client();
        // A message of an earlier delivery would be taken for the first one's.
        while let Some(message) = api.claim(0).await? {
            api.ack(&message).await?;
        }

        let mut latency = Self {
            ack_us: Vec::new(),
            send_us: Vec::new(),
        };
        for n in 0..SAMPLES {
            let body = payloads.body(n)?;
            let consumer = api.clone();
            let waiting = tokio::spawn(async move {
                let message = consumer.claim(WAIT_S).await;
                message.map(|message| (message, Instant::now()))
            });
            tokio::time::sleep(PAUSE).await;

            let request = sender
                .post(&hook.url)
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
            let acked_at = Instant::now();
            ensure!(
                answer.status() == 200,
                "the delivery was answered {}",
                answer.status()
            );

            let (message, claimed_at) = waiting.await??;
            let message = message.context("no message arrived for a delivery")?;
            api.ack(&message).await?;
            // The consumer may have the run before the sender has read its answer: that is 0.
            latency
                .ack_us
                .push(micros(claimed_at.saturating_duration_since(acked_at)));
            latency
                .send_us
                .push(micros(claimed_at.saturating_duration_since(sent_at)));
        }
        latency.ack_us.sort_unstable();
        latency.send_us.sort_unstable();
        Ok(latency)
    }

    /// p50 and p99 of the time from the answer to the delivery until the claim was answered.
    pub fn since_ack(&self) -> String {
        percentiles(&self.ack_us)
    }

    /// The same from the sending of the delivery.
    pub fn since_send(&self) -> String {
        percentiles(&self.send_us)
    }
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

fn percentiles(sorted_us: &[u32]) -> String {
    format!(
        "{:.2}, {:.2}",
        percentile_ms(sorted_us, 50),
        percentile_ms(sorted_us, 99)
    )
}
