//! `/v1/outbox`: the pull sink, where consumers claim, acknowledge and give back messages;
//! and the dead letters of every kind of sink.

mod claim;
mod dead_letters;
mod lines;

pub use lines::Lines;

use super::check::Checks;
use super::extract::{JsonBody, PathId};
use super::found::Found as _;
use super::values::{WholeNumber as _, whole};
use super::{AppState, Problem, Tenant};
use crate::clock;
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::domain::outbox::LeaseOutcome;
use crate::domain::{OutboxId, OutboxStatus};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

whole!(/// The delay that a negative acknowledgement asks for: at most a week.
    RetrySeconds, 0, 604_800);

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

/// An acknowledgement of a message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Ack {
    /// The `lease_token` from the claim.
    lease_token: Uuid,
}

/// A negative acknowledgement of a message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nack {
    /// The `lease_token` from the claim.
    lease_token: Uuid,
    /// When the message may be claimed again, in seconds from now: 0 to 604800. If absent,
    /// after the delay that the operator configured.
    retry_after_seconds: Option<RetrySeconds>,
    /// The reason, for people. A long text is cut.
    error: Option<String>,
}

/// The state of a message after its acknowledgement.
#[derive(Debug, Serialize, ToSchema)]
struct MessageAnswer {
    /// The message's id.
    id: OutboxId,
    /// The message's new status.
    status: OutboxStatus,
}

/// Acknowledge a message
///
/// The message is not delivered again. Acknowledge it only once the run is started, or
/// its start is recorded durably.
#[utoipa::path(post, path = "/v1/outbox/{id}/ack", tag = "outbox",
    params(("id" = OutboxId, Path)), request_body = Ack,
    responses(
        (status = OK, description = "Acknowledged", body = MessageAnswer),
        (status = CONFLICT, description = "The lease is lost: another consumer claimed the \
            message, or it is settled")))]
async fn ack_message(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<OutboxId>,
    JsonBody(ack): JsonBody<Ack>,
) -> Result<Json<MessageAnswer>, Problem> {
    let store = state.store();
    let start = state.config().runs.start_seconds.duration();
    let outcome = store
        .ack_message(&org, id, ack.lease_token, start, clock::now())
        .await?;
    answer(id, outcome)
}

/// Give a message back
///
/// Consumers can claim it again later. A message that was claimed too often becomes a
/// dead letter, and its run fails unless a consumer has started it.
#[utoipa::path(post, path = "/v1/outbox/{id}/nack", tag = "outbox",
    params(("id" = OutboxId, Path)), request_body = Nack,
    responses(
        (status = OK, description = "Given back", body = MessageAnswer),
        (status = CONFLICT, description = "The lease is lost: another consumer claimed the \
            message, or it is settled")))]
async fn nack_message(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<OutboxId>,
    JsonBody(nack): JsonBody<Nack>,
) -> Result<Json<MessageAnswer>, Problem> {
    let config = &state.config().outbox;
    let mut checks = Checks::default();
    let asked = nack.retry_after_seconds;
    let asked = asked.map(|seconds| seconds.check(&mut checks, "/retry_after_seconds"));
    checks.done()?;
    let seconds = asked.unwrap_or(config.retry_seconds.u64());
    let error = nack.error.map(|error| bounded(&error, REASON_BYTES_MAX));
    let store = state.store();
    let attempt = store.message_attempt(&org, id).await?.or_404("message")?;
    let now = clock::now();
    // A claim in between replaces the token, so either this is the lease's attempt or
    // nothing is written.
    let retry_at =
        (attempt < config.attempts_max.i32()).then(|| now + Duration::from_secs(seconds));
    let outcome = store
        .nack_message(&org, id, nack.lease_token, retry_at, error.as_deref(), now)
        .await?;
    answer(id, outcome)
}

fn answer(id: OutboxId, outcome: LeaseOutcome) -> Result<Json<MessageAnswer>, Problem> {
    match outcome {
        LeaseOutcome::Done(status) => Ok(Json(MessageAnswer { id, status })),
        LeaseOutcome::NotFound => Err(Problem::not_found("message")),
        LeaseOutcome::Lost => Err(Problem::conflict(
            "the lease is lost: another consumer claimed the message, or it is settled",
        )),
    }
}
