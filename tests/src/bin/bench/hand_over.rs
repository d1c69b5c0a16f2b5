//! Messages handed over to a sink of each kind, from an outbox that a load has filled.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::json;
use triggerhouse_tests::redis;

use crate::database::now;
use crate::limit::Limit;
use crate::say;
use crate::settings::Settings;
use crate::subject::Subject;
use crate::table::Table;

/// Measures the subject, whose outbox must be full.
pub async fn measure(
    settings: &Settings,
    subject: &Subject,
    table: &mut Table,
) -> anyhow::Result<()> {
    let name = subject.database.engine.name();
    let section = format!("Triggerhouse on {name}: messages handed over");
    let endpoint = Endpoint::start().await?;
    let allowed = format!("[\"{}\"]", endpoint.limit.address);
    let server = [
        ("REDIS_URL", settings.redis_url.as_str()),
        ("SINKS_ALLOW_HOSTS", allowed.as_str()),
    ];
    let stream = format!("bench-{}", name.to_lowercase());
    for kind in ["http", "redis"] {
        say!("{name}: messages to a sink ({kind})");
        let sink = match kind {
            "http" => {
                json!({"kind": kind, "url": format!("http://{}/hook", endpoint.limit.address)})
            }
            _ => json!({"kind": kind, "stream": stream}),
        };
        let running = subject.server.start_with(&server, &[]).await?;
        let sink = subject.api.create_sink(sink).await?;
        let started = Instant::now();
        tokio::time::sleep(Duration::from_secs(settings.seconds)).await;
        let received = match kind {
            "http" => endpoint.received.load(Ordering::Relaxed),
            _ => length(&settings.redis_url, &stream).await?,
        };
        let per_s = received as f64 / started.elapsed().as_secs_f64();
        say!("  {per_s:.0} messages/s");
        if subject.store.backlog(now()).await?.outbox.waiting == 0 {
            say!("  NOT MEASURED: the outbox was empty before the time was over");
        }
        subject.api.delete_sink(&sink).await?;
        running.stop().await?;
        table.row(
            &section,
            &format!("to one sink ({kind}), messages/s"),
            format!("{per_s:.0}"),
            "",
        );
    }
    Ok(())
}

async fn length(redis_url: &str, stream: &str) -> anyhow::Result<u64> {
    let length = redis::command(redis_url, &format!("XLEN {stream}")).await;
    Ok(length.context("Redis gave no answer")?.parse()?)
}

/// An HTTP endpoint that takes every message and counts it.
struct Endpoint {
    limit: Limit,
    received: Arc<AtomicU64>,
}

impl Endpoint {
    async fn start() -> anyhow::Result<Self> {
        let received = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&received);
        let take = move |_: Bytes| async move {
            count.fetch_add(1, Ordering::Relaxed);
            StatusCode::NO_CONTENT
        };
        let limit = Limit::serve(async { Ok(Router::new().route("/hook", post(take))) }).await?;
        Ok(Self { limit, received })
    }
}
