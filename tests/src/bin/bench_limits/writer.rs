//! The ingress limit: the HTTP limit, and a compressed body committed by one group-commit writer before the answer.
//!
//! Natural batching: a batch is whatever arrived while the last one was committed. No linger.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::database::{Database, Delivery, Target};
use crate::http::{self, Signer};
use crate::sql::now_us;

const BATCH_ROWS_MAX: usize = 128;
const QUEUE_ROWS_MAX: usize = 1024;

/// A delivery, and whom to tell when it is on disk.
struct Waiting {
    delivery: Delivery,
    committed: oneshot::Sender<()>,
}

#[derive(Clone)]
struct Ingress {
    signer: Signer,
    queue: mpsc::Sender<Waiting>,
}

pub async fn serve(listen: SocketAddr, secret: &str, database_url: &str) -> anyhow::Result<()> {
    let database = Database::fresh(database_url).await?;
    let (queue, deliveries) = mpsc::channel(QUEUE_ROWS_MAX);
    let router = Router::new()
        .route("/hook", post(receive))
        .with_state(Ingress {
            signer: Signer::new(secret)?,
            queue,
        });
    tokio::select! {
        served = http::serve(listen, router) => served,
        wrote = write(database, deliveries) => wrote,
    }
}

async fn receive(State(ingress): State<Ingress>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if !ingress.signer.accepts(&headers, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    let (committed, done) = oneshot::channel();
    let delivery = Delivery {
        id: Uuid::now_v7(),
        key: text(&headers, "x-github-delivery"),
        headers: stored_headers(&headers),
        body: lz4_flex::block::compress_prepend_size(&body),
        received_at_us: now_us(),
    };
    if ingress
        .queue
        .send(Waiting {
            delivery,
            committed,
        })
        .await
        .is_err()
        || done.await.is_err()
    {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::OK
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

/// The headers that a worker needs later, as JSON; their values need no escaping here.
fn stored_headers(headers: &HeaderMap) -> String {
    let fields: Vec<String> = ["content-type", "x-github-event", "x-github-delivery"]
        .iter()
        .map(|name| format!("[\"{name}\",\"{}\"]", text(headers, name)))
        .collect();
    format!("[{}]", fields.join(","))
}

async fn write(
    mut database: Database,
    mut deliveries: mpsc::Receiver<Waiting>,
) -> anyhow::Result<()> {
    let target = Target {
        trigger: Uuid::now_v7(),
        automation: Uuid::now_v7(),
    };
    let mut queued = Vec::with_capacity(BATCH_ROWS_MAX);
    while deliveries.recv_many(&mut queued, BATCH_ROWS_MAX).await > 0 {
        let (batch, waiting): (Vec<_>, Vec<_>) = queued
            .drain(..)
            .map(|waiting| (waiting.delivery, waiting.committed))
            .unzip();
        database.insert(batch, &target).await?;
        for committed in waiting {
            // A client that has gone away needs no answer.
            let _ = committed.send(());
        }
    }
    Ok(())
}
