//! Runs a trigger's filter on stored events. Writes nothing and starts no run.

use crate::api::check::Checks;
use crate::api::extract::{OptionalJsonBody, PathId};
use crate::api::found::Found as _;
use crate::api::values::{WholeNumber as _, whole};
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

/// The number of events if the request names none.
const EVENTS_DEFAULT: u32 = 50;
whole!(/// The number of events of a dry run.
    DryRunEvents, 1, 100);
/// The longest time of a dry run. A filter that needs longer for so few events would also
/// hold up every delivery.
const TIME_MAX: Duration = Duration::from_secs(30);

/// The options of a dry run.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DryRun {
    /// The filter to try, by the provider's schema. If absent, the trigger's own.
    #[schema(value_type = Option<Object>)]
    config: Option<Value>,
    /// Only events that were created at this time or later.
    since: Option<Timestamp>,
    /// The number of events, counted from the newest: 1 to 100.
    #[schema(default = 50)]
    limit: Option<DryRunEvents>,
}

/// The verdicts of a dry run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DryRunAnswer {
    /// Newest first.
    items: Vec<DryRunItem>,
}

/// The verdict on one event.
#[derive(Debug, Serialize, ToSchema)]
struct DryRunItem {
    event_id: EventId,
    /// The event's kind.
    kind: String,
    /// The event's title.
    title: String,
    /// The event's status, which the dry run does not change.
    status: EventStatus,
    verdict: DryRunVerdict,
    /// The provider's reason; null if the filter accepts.
    reason: Option<String>,
}

/// A filter's verdict on an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DryRunVerdict {
    /// The filter accepts the event.
    Accept,
    /// The filter rejects the event.
    Reject,
    /// The provider does not understand the filter.
    InvalidConfig,
    /// The provider failed.
    Failed,
}

/// Try a filter on stored events
///
/// Runs the provider's filter on the trigger's newest events, skipped ones included.
/// Nothing is written, and no run starts.
#[utoipa::path(post, path = "/v1/triggers/{id}/dry-run", tag = "triggers",
    params(("id" = TriggerId, Path)), request_body = Option<DryRun>,
    responses(
        (status = OK, description = "A verdict for each event", body = DryRunAnswer),
        (status = CONFLICT, description = "The trigger has no filter, or its provider is not active")))]
pub(super) async fn dry_run_trigger(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<TriggerId>,
    OptionalJsonBody(body): OptionalJsonBody<DryRun>,
) -> Result<Json<DryRunAnswer>, Problem> {
    let store = state.store();
    let (trigger, _) = store.trigger(&org, id).await?.or_404("trigger")?;
    let provider = filter_of(&state, &trigger)?;
    let mut checks = Checks::default();
    let limit = body.limit.map(|limit| limit.check(&mut checks, "/limit"));
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
        // The check above bounds it.
        limit: limit.map_or(EVENTS_DEFAULT, |limit| {
            u32::try_from(limit).unwrap_or(EVENTS_DEFAULT)
        }),
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
        let detail = format!("a {} trigger has no filter", trigger.kind);
        return Err(Problem::conflict(detail));
    }
    let provider = state.registry().get(&trigger.provider);
    provider
        .filter(|provider| provider.is_enabled())
        .ok_or_else(|| {
            Problem::conflict(format!("the provider {} is not active", trigger.provider))
        })
}

/// Asks the filter about one event, in a new instance. The instance's clock shows the
/// event's time, and a filter that fails on one event does not affect the next.
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
        .detail("all instances of the provider are busy")
        .retry_after(1)
}
