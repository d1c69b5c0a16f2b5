//! The ingress limit: the HTTP limit, and one group-commit writer stores the compressed body
//! before the answer.
//!
//! A batch is whatever arrived during the last commit; the writer never waits for more.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::connection::{Connection, Delivery, Target};
use super::sql::now_us;
use super::{Limit, SECRET, Signer};
use crate::database::{Database, Engine};
use crate::load::Load;
use crate::say;
use crate::settings::Settings;

const BATCH_ROWS_MAX: usize = 128;
const QUEUE_ROWS_MAX: usize = 1024;

/// A delivery, and a channel to the request that waits for its commit.
struct Waiting {
    delivery: Delivery,
    committed: oneshot::Sender<()>,
}

#[derive(Clone)]
struct Ingress {
    signer: Signer,
    queue: mpsc::Sender<Waiting>,
}

/// Measures it in an empty database.
pub async fn measure(settings: &Settings, engine: Engine, name: &str) -> anyhow::Result<Load> {
    let database = Database::create(settings, engine, name).await?;
    let signer = Signer::new(SECRET)?;
    let (engine, url) = (database.engine, database.url.clone());
    let router = async move {
        let (queue, deliveries) = mpsc::channel(QUEUE_ROWS_MAX);
        let connection = Connection::open(engine, &url).await?;
        tokio::spawn(async move {
            if let Err(error) = write(connection, deliveries).await {
                // Its requests are answered 503 from now on.
                say!("  the writer failed: {error:#}");
            }
        });
        let ingress = Ingress { signer, queue };
        Ok(Router::new()
            .route("/hook", post(receive))
            .with_state(ingress))
    };
    let load = Limit::serve(router).await?.load(settings).await?;
    database.remove().await?;
    Ok(load)
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

/// The headers that a worker needs, as JSON; the load's values need no escaping.
fn stored_headers(headers: &HeaderMap) -> String {
    let fields: Vec<String> = ["content-type", "x-github-event", "x-github-delivery"]
        .iter()
        .map(|name| format!("[\"{name}\",\"{}\"]", text(headers, name)))
        .collect();
    format!("[{}]", fields.join(","))
}

async fn write(
    mut connection: Connection,
    mut deliveries: mpsc::Receiver<Waiting>,
) -> anyhow::Result<()> {
    let target = Target::new();
    let mut queued = Vec::with_capacity(BATCH_ROWS_MAX);
    while deliveries.recv_many(&mut queued, BATCH_ROWS_MAX).await > 0 {
        let (batch, waiting): (Vec<_>, Vec<_>) = queued
            .drain(..)
            .map(|waiting| (waiting.delivery, waiting.committed))
            .unzip();
        connection.insert(batch, &target).await?;
        for committed in waiting {
            // The client may be gone.
            let _ = committed.send(());
        }
    }
    Ok(())
}
