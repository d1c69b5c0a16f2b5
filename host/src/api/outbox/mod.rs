//! `/v1/outbox`: the pull sink. Consumers claim messages, and acknowledge them or
//! give them back. And what was not handed over, by whichever sink.

mod claim;
mod dead_letters;

use super::check::Checks;
use super::extract::{JsonBody, PathId};
use super::{AppState, Problem, Tenant};
use crate::clock;
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::domain::outbox::LeaseOutcome;
use crate::domain::{OutboxId, OutboxStatus};
use crate::store::Signal;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// The longest wait that a negative acknowledgement may ask for, in seconds.
const RETRY_AFTER_SECONDS_MAX: u64 = 7 * 24 * 3_600;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(claim::claim_messages))
        .routes(routes!(ack_message))
        .routes(routes!(nack_message))
        .routes(routes!(dead_letters::list_messages))
        .routes(routes!(dead_letters::retry_message))
        .routes(routes!(dead_letters::discard_message))
        .routes(routes!(dead_letters::retry_messages))
        .routes(routes!(dead_letters::discard_messages))
}

/// An acknowledgement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Ack {
    /// From the claim.
    lease_token: Uuid,
}

/// A negative acknowledgement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nack {
    /// From the claim.
    lease_token: Uuid,
    /// When it may be claimed again, in seconds from now: 0 to 604800. Absent:
    /// after what the operator configured.
    retry_after_seconds: Option<u64>,
    /// What went wrong, for people.
    error: Option<String>,
}

/// A message after its acknowledgement.
#[derive(Debug, Serialize, ToSchema)]
struct MessageAnswer {
    /// Its id.
    id: OutboxId,
    /// Where it stands now.
    status: OutboxStatus,
}

/// Acknowledge a message
///
/// Nobody is told of its run again: whoever acknowledges has started the run, or will.
#[utoipa::path(post, path = "/v1/outbox/{id}/ack", tag = "outbox",
    params(("id" = OutboxId, Path)), request_body = Ack,
    responses(
        (status = OK, description = "Done", body = MessageAnswer),
        (status = CONFLICT, description = "The lease is lost: somebody else has claimed the message, \
            or it is settled", body = Problem, content_type = "application/problem+json")))]
async fn ack_message(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<OutboxId>,
    JsonBody(ack): JsonBody<Ack>,
) -> Result<Json<MessageAnswer>, Problem> {
    let store = state.store();
    let start = Duration::from_secs(state.config().runs.start_seconds);
    let outcome = store
        .ack_message(&org, id, ack.lease_token, start, clock::now())
        .await?;
    answer(id, outcome)
}

/// Give a message back
///
/// It may be claimed again later. One that was claimed too often becomes a dead
/// letter, and its run fails unless somebody has started it.
#[utoipa::path(post, path = "/v1/outbox/{id}/nack", tag = "outbox",
    params(("id" = OutboxId, Path)), request_body = Nack,
    responses(
        (status = OK, description = "Given back", body = MessageAnswer),
        (status = CONFLICT, description = "The lease is lost: somebody else has claimed the message, \
            or it is settled", body = Problem, content_type = "application/problem+json")))]
async fn nack_message(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<OutboxId>,
    JsonBody(nack): JsonBody<Nack>,
) -> Result<Json<MessageAnswer>, Problem> {
    let config = &state.config().outbox;
    let seconds = nack.retry_after_seconds.unwrap_or(config.retry_seconds);
    if nack.retry_after_seconds.is_some() {
        let mut checks = Checks::default();
        checks.number("/retry_after_seconds", seconds, 0..=RETRY_AFTER_SECONDS_MAX);
        checks.done()?;
    }
    let error = nack.error.map(|error| bounded(&error, REASON_BYTES_MAX));
    let store = state.store();
    let attempt = store.message_attempt(&org, id).await?;
    let attempt = attempt.ok_or_else(|| Problem::not_found("message"))?;
    let now = clock::now();
    // Whoever claims in between replaces the token, so the attempt is that of
    // this lease, or nothing is written.
    let retry_at = (attempt < config.attempts_max).then(|| now + Duration::from_secs(seconds));
    let outcome = store
        .nack_message(&org, id, nack.lease_token, retry_at, error.as_deref(), now)
        .await?;
    if retry_at == Some(now) {
        state.signals().raise(Signal::Outbox);
    }
    answer(id, outcome)
}

fn answer(id: OutboxId, outcome: LeaseOutcome) -> Result<Json<MessageAnswer>, Problem> {
    match outcome {
        LeaseOutcome::Done(status) => Ok(Json(MessageAnswer { id, status })),
        LeaseOutcome::NotFound => Err(Problem::not_found("message")),
        LeaseOutcome::Lost => Err(Problem::conflict(
            "the lease is lost: somebody else has claimed the message, or it is settled",
        )),
    }
}
