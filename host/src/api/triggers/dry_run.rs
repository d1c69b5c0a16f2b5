//! What a trigger's filter makes of events that are stored already. Nothing is written.

use crate::api::check::Checks;
use crate::api::extract::{OptionalJsonBody, PathId};
use crate::api::{AppState, Problem, Tenant};
use crate::domain::event::{Event, Verdict};
use crate::domain::resource::{Trigger, TriggerKind};
use crate::domain::{EventId, EventStatus, Timestamp, TriggerId};
use crate::provider::{CallContext, GuestError, Provider};
use crate::store::{EventFilter, PageRequest};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

/// Events that are looked at where the request names no number.
const EVENTS_DEFAULT: u32 = 50;
/// Events that are looked at, at most.
const EVENTS_MAX: u32 = 100;
/// How long a dry run may take: a filter that needs longer for so few events would
/// hold up every delivery.
const TIME_MAX: Duration = Duration::from_secs(30);

/// Which events are filtered once more, and how.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DryRun {
    /// The configuration to try, after the provider's schema. Absent: the trigger's own.
    #[schema(value_type = Option<Object>)]
    config: Option<Value>,
    /// Only events that were written at this time or later.
    since: Option<Timestamp>,
    /// How many events, of the newest: 1 to 100.
    #[schema(default = 50, minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// What the filter makes of the events.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DryRunAnswer {
    /// Newest first.
    items: Vec<DryRunItem>,
}

/// What the filter makes of one event.
#[derive(Debug, Serialize, ToSchema)]
struct DryRunItem {
    event_id: EventId,
    /// Its kind.
    kind: String,
    /// Its title.
    title: String,
    /// What became of it at the time.
    status: EventStatus,
    /// What would become of it.
    verdict: DryRunVerdict,
    /// Why, in the provider's words; none if it is accepted.
    reason: Option<String>,
}

/// What a filter makes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DryRunVerdict {
    /// It would start a run, as far as the filter is concerned.
    Accept,
    /// It would be skipped.
    Reject,
    /// The configuration cannot be understood.
    InvalidConfig,
    /// The provider did not answer.
    Failed,
}

/// Try a filter on stored events
///
/// Each event that the trigger has seen, skipped ones included, is given to the
/// provider's filter once more. Nothing is written, and no run starts.
#[utoipa::path(post, path = "/v1/triggers/{id}/dry-run", tag = "triggers",
    params(("id" = TriggerId, Path)), request_body = Option<DryRun>,
    responses(
        (status = OK, description = "A verdict for each event", body = DryRunAnswer),
        (status = CONFLICT, description = "The trigger has no filter, or its provider is not active just now",
            body = Problem, content_type = "application/problem+json")))]
pub(super) async fn dry_run_trigger(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<TriggerId>,
    OptionalJsonBody(body): OptionalJsonBody<DryRun>,
) -> Result<Json<DryRunAnswer>, Problem> {
    let store = state.store();
    let found = store.trigger(&org, id).await?;
    let (trigger, _) = found.ok_or_else(|| Problem::not_found("trigger"))?;
    let provider = filter_of(&state, &trigger)?;
    let mut checks = Checks::default();
    let limit = body.limit.unwrap_or(EVENTS_DEFAULT);
    checks.number("/limit", limit.into(), 1..=EVENTS_MAX.into());
    if let Some(config) = &body.config {
        checks.config(&provider, config);
    }
    checks.done()?;
    let config = body.config.unwrap_or(trigger.config).to_string();
    let filter = EventFilter {
        trigger: Some(id),
        since: body.since,
        ..EventFilter::default()
    };
    let page = PageRequest {
        limit,
        before: None,
    };
    let events = store.list_events(&org, &filter, page).await?.items;
    let until = Instant::now() + TIME_MAX;
    let mut items = Vec::with_capacity(events.len());
    for event in events {
        let verdict = timeout_at(until, verdict(&provider, &event, &config));
        let (verdict, reason) = verdict.await.map_err(|_| busy())??;
        items.push(DryRunItem {
            event_id: event.id,
            kind: event.kind,
            title: event.title,
            status: event.status,
            verdict,
            reason,
        });
    }
    Ok(Json(DryRunAnswer { items }))
}

/// The provider that filters the trigger's events.
fn filter_of(state: &AppState, trigger: &Trigger) -> Result<Arc<Provider>, Problem> {
    if matches!(trigger.kind, TriggerKind::Scheduled | TriggerKind::Manual) {
        let detail = format!("a trigger of the kind {} has no filter", trigger.kind);
        return Err(Problem::conflict(detail));
    }
    let provider = state.registry().get(&trigger.provider);
    provider
        .filter(|provider| provider.is_enabled())
        .ok_or_else(|| Problem::conflict(format!("{} is not active just now", trigger.provider)))
}

/// An instance of its own for each event: the clock stands at its time, and a filter
/// that breaks over one event has nothing to do with the next.
async fn verdict(
    provider: &Arc<Provider>,
    event: &Event,
    config: &str,
) -> Result<(DryRunVerdict, Option<String>), Problem> {
    let asked = async {
        let mut session = provider.open(CallContext::of_event(event)).await?;
        session.matches(&event.parsed(), &[config]).await
    };
    match asked.await {
        Ok(verdicts) => Ok(match verdicts.into_iter().next() {
            Some(Verdict::Accept) => (DryRunVerdict::Accept, None),
            Some(Verdict::Reject(reason)) => (DryRunVerdict::Reject, Some(reason)),
            Some(Verdict::InvalidConfig(reason)) => (DryRunVerdict::InvalidConfig, Some(reason)),
            None => (DryRunVerdict::Failed, None),
        }),
        Err(GuestError::Busy) => Err(busy()),
        Err(error) => Ok((DryRunVerdict::Failed, Some(error.to_string()))),
    }
}

fn busy() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE)
        .detail("the provider has no time for this just now")
        .retry_after(1)
}
