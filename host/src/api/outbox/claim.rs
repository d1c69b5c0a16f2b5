//! The claim of messages, as a long poll.

use crate::api::check::Checks;
use crate::api::extract::JsonBody;
use crate::api::values::{WholeNumber as _, whole};
use crate::api::{AppState, Problem, Tenant};
use crate::clock;
use crate::config::OutboxConfig;
use crate::domain::outbox::ClaimedMessage;
use crate::measure;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::Instant;
use utoipa::ToSchema;

whole!(/// The number of messages to claim.
    ClaimMessages, 1, 1_000);
whole!(/// The length of a lease. The operator sets a lower limit.
    LeaseSeconds, 1, 604_800);
whole!(/// The length of a long poll. The operator sets a lower limit.
    #[derive(Default)]
    WaitSeconds, 0, 604_800);

/// A claim.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    /// The most messages to claim: 1 to 1000.
    max: ClaimMessages,
    /// The length of the lease, in seconds: from 1 to the operator's limit. Until it
    /// expires, no other consumer gets the messages.
    lease_seconds: LeaseSeconds,
    /// Seconds to wait for a first message: from 0 to the operator's limit.
    #[serde(default)]
    wait_seconds: WaitSeconds,
}

/// The claimed messages.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Claimed {
    /// Oldest first; empty if no message was due.
    items: Vec<ClaimedMessage>,
}

impl Claim {
    fn check(&self, config: &OutboxConfig) -> Result<(), Problem> {
        let mut checks = Checks::default();
        self.max.check(&mut checks, "/max");
        let (lease_max, wait_max) = (
            config.lease_seconds_max.u64(),
            config.wait_seconds_max.u64(),
        );
        self.lease_seconds
            .check_in(&mut checks, "/lease_seconds", 1..=lease_max);
        self.wait_seconds
            .check_in(&mut checks, "/wait_seconds", 0..=wait_max);
        checks.done()
    }
}

fn too_many(max: u32) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS)
        .detail(format!(
            "{max} consumers of the organization already wait: use fewer, and claim more messages at once"
        ))
        .retry_after(1)
}

/// Claim messages
///
/// With `wait_seconds`, the call waits for the first message.
#[utoipa::path(post, path = "/v1/outbox/claim", tag = "outbox", request_body = Claim,
    responses(
        (status = OK, description = "The claimed messages", body = Claimed),
        (status = CONFLICT, description = "The organization's sink is enabled, so its messages \
            are sent there"),
        (status = TOO_MANY_REQUESTS, description = "Too many consumers of the organization wait")))]
pub(super) async fn claim_messages(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    JsonBody(claim): JsonBody<Claim>,
) -> Result<Json<Claimed>, Problem> {
    let config = &state.config().outbox;
    claim.check(config)?;
    let lease = Duration::from_secs(claim.lease_seconds.get());
    let deadline = Instant::now() + Duration::from_secs(claim.wait_seconds.get());
    // The check above bounds it.
    let messages_max = u32::try_from(claim.max.get()).unwrap_or(u32::MAX);
    let (store, mut permit) = (state.store(), None);
    // Joined before the first claim, so that no later message is missed.
    let mut place = state.lines().join(org.clone());
    loop {
        let now = clock::now();
        let attempts_max = config.attempts_max.i32();
        let claimed = store.claim_messages(&org, now, lease, messages_max, attempts_max);
        let items = claimed.await?;
        for message in items.iter().filter(|message| message.attempt == 1) {
            measure::dispatched("pull", message.id.age(now));
        }
        let is_sent = items.is_empty() && store.is_served_by_sink(&org).await?;
        // All consumers in the line learn that a sink has taken over.
        place.looked(is_sent || items.len() >= messages_max as usize);
        measure::looked(!items.is_empty());
        if is_sent {
            return Err(Problem::conflict(
                "the organization's messages are sent to its sink: disable or delete the sink to \
                 claim them",
            ));
        }
        if !items.is_empty() || Instant::now() >= deadline || state.stop().is_cancelled() {
            return Ok(Json(Claimed { items }));
        }
        if permit.is_none() {
            permit = state.waiting().try_take(org.clone());
            if permit.is_none() {
                return Err(too_many(config.waiting_max.u32()));
            }
        }
        tokio::select! {
            () = place.called() => {}
            () = tokio::time::sleep_until(deadline) => {}
            () = state.stop().cancelled() => {}
        }
    }
}
