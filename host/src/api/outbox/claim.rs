//! Claims messages, and waits for them.

use crate::api::check::Checks;
use crate::api::extract::JsonBody;
use crate::api::{AppState, Problem, Tenant};
use crate::clock;
use crate::config::OutboxConfig;
use crate::domain::outbox::ClaimedMessage;
use crate::measure;
use crate::store::{MessageProspect, Signal};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::Instant;
use utoipa::ToSchema;

/// Messages of one claim at most.
const CLAIM_MESSAGES_MAX: u32 = 1_000;
/// How often a waiting consumer looks by itself: signals may be lost, and a retry
/// that falls due raises none.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// What a consumer asks for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    /// How many messages at most: 1 to 1000.
    max: u32,
    /// How long they are withheld from others, in seconds: from 1 to what the
    /// operator configured.
    lease_seconds: u64,
    /// How long to wait for a message where there is none, in seconds: from 0 to
    /// what the operator configured.
    #[serde(default)]
    wait_seconds: u64,
}

/// Messages that are the consumer's until their lease lapses.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Claimed {
    /// Oldest first; empty if there was none.
    items: Vec<ClaimedMessage>,
}

impl Claim {
    fn check(&self, config: &OutboxConfig) -> Result<(), Problem> {
        let mut checks = Checks::default();
        checks.number("/max", self.max.into(), 1..=CLAIM_MESSAGES_MAX.into());
        checks.number(
            "/lease_seconds",
            self.lease_seconds,
            1..=config.lease_seconds_max,
        );
        checks.number(
            "/wait_seconds",
            self.wait_seconds,
            0..=config.wait_seconds_max,
        );
        checks.done()
    }
}

fn too_many(max: u32) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS)
        .detail(format!(
            "{max} consumers of the organization wait already: let fewer wait, and claim more at once"
        ))
        .retry_after(1)
}

/// Claim messages
///
/// Waits for the first one if asked to.
#[utoipa::path(post, path = "/v1/outbox/claim", tag = "outbox", request_body = Claim,
    responses(
        (status = OK, description = "What could be claimed", body = Claimed),
        (status = CONFLICT, description = "The organization has a sink that is switched on: its \
            messages are sent there", body = Problem, content_type = "application/problem+json"),
        (status = TOO_MANY_REQUESTS, description = "Too many consumers of the organization wait",
            body = Problem, content_type = "application/problem+json")))]
pub(super) async fn claim_messages(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    JsonBody(claim): JsonBody<Claim>,
) -> Result<Json<Claimed>, Problem> {
    let config = &state.config().outbox;
    claim.check(config)?;
    let lease = Duration::from_secs(claim.lease_seconds);
    let deadline = Instant::now() + Duration::from_secs(claim.wait_seconds);
    // Before the first claim: a message that is written after it is not missed.
    let mut waiter = state.signals().waiter(Signal::Outbox);
    let (store, mut permit) = (state.store(), None);
    loop {
        let now = clock::now();
        // Those that wait look first: signals wake all of them, and claiming is writing.
        let look = match permit {
            Some(_) => store.message_prospect(&org, now).await?,
            None => MessageProspect::Due,
        };
        let items = match look {
            MessageProspect::Due => {
                let attempts_max = config.attempts_max;
                let items = store.claim_messages(&org, now, lease, claim.max, attempts_max);
                items.await?
            }
            MessageProspect::None | MessageProspect::SentToSink => Vec::new(),
        };
        for message in items.iter().filter(|message| message.attempt == 1) {
            measure::dispatched("pull", message.id.age(now));
        }
        let is_sent = match permit {
            Some(_) => look == MessageProspect::SentToSink,
            None => {
                items.is_empty()
                    && store.message_prospect(&org, now).await? == MessageProspect::SentToSink
            }
        };
        if is_sent {
            return Err(Problem::conflict(
                "the organization has a sink, to which its messages are sent: switch it off or \
                 delete it to claim them",
            ));
        }
        if !items.is_empty() || Instant::now() >= deadline || state.stop().is_cancelled() {
            return Ok(Json(Claimed { items }));
        }
        if permit.is_none() {
            permit = state.waiting().try_take(org.clone());
            if permit.is_none() {
                return Err(too_many(config.waiting_max));
            }
        }
        let look_again = deadline.min(Instant::now() + LOOK_PAUSE);
        tokio::select! {
            () = waiter.raised() => {}
            () = tokio::time::sleep_until(look_again) => {}
            () = state.stop().cancelled() => {}
        }
    }
}
