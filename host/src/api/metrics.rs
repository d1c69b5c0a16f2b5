//! `/metrics`: what the process has measured, and what waits in the database.

use super::AppState;
use crate::clock;
use crate::domain::Timestamp;
use crate::measure::{self, PROMETHEUS_TEXT, Waiting};
use crate::store::{Backlog, Queue};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The database is asked no more often than this, however many ask us.
const SAMPLE_EVERY: Duration = Duration::from_secs(2);
/// How long the database may take: figures of the process are worth having without it.
const SAMPLE_MAX: Duration = Duration::from_secs(5);

/// When the database was asked last; whoever asks meanwhile waits for the answer.
#[derive(Debug, Default)]
pub(super) struct Sampled(Mutex<Option<Instant>>);

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// What is measured, for Prometheus
///
/// Needs no key: keep it from outside. It tells of no tenant.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = OK, description = "In Prometheus' text format", body = String,
        content_type = "text/plain")))]
async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    sample(&state).await;
    (
        [(header::CONTENT_TYPE, PROMETHEUS_TEXT)],
        state.figures().render(),
    )
}

async fn sample(state: &AppState) {
    let mut sampled = state.sampled().0.lock().await;
    if sampled.is_some_and(|at| at.elapsed() < SAMPLE_EVERY) {
        return;
    }
    for pool in state.store().pool_use() {
        measure::connections(pool.pool, pool.idle, pool.used, pool.max);
    }
    let backlog = timeout(SAMPLE_MAX, state.store().backlog(clock::now())).await;
    measure::database(matches!(backlog, Ok(Ok(_))));
    match backlog {
        Ok(Ok(backlog)) => show(&backlog, clock::now()),
        Ok(Err(error)) => tracing::warn!(%error, "could not look at what waits"),
        Err(_) => tracing::warn!("could not look at what waits: the database is slow"),
    }
    *sampled = Some(Instant::now());
}

fn show(backlog: &Backlog, now: Timestamp) {
    measure::inbox(waiting(backlog.inbox, now));
    measure::outbox(waiting(backlog.outbox, now));
    measure::needs_reauth(backlog.needs_reauth);
    measure::sinks(backlog.sinks, backlog.sinks_open);
    measure::overdue(since(backlog.poll_due, now), since(backlog.tick_due, now));
    for (provider, at) in &backlog.cursors {
        measure::cursor_age(provider, since(Some(*at), now));
    }
}

fn waiting(queue: Queue, now: Timestamp) -> Waiting {
    Waiting {
        count: queue.waiting,
        oldest: since(queue.oldest, now),
        dead: queue.dead,
    }
}

/// Nothing for what is still to come.
fn since(at: Option<Timestamp>, now: Timestamp) -> Duration {
    let micros = at.map_or(0, |at| now.micros_since(at));
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
