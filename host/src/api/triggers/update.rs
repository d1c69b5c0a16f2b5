//! Changes triggers.

use super::answer::{self, TriggerAnswer};
use super::create::check_integration;
use super::fields::check_fields;
use super::poll::{ChangedPoll, poll_after};
use crate::api::check::Checks;
use crate::api::extract::{JsonBody, PathId, present};
use crate::api::schedules::{ZONE_DEFAULT, check_cron};
use crate::api::{AppState, Problem, Tenant};
use crate::clock;
use crate::domain::resource::{Trigger, TriggerKind};
use crate::domain::schedule::MissedTicks;
use crate::domain::{IntegrationId, OrgId, ScheduleId, TriggerId};
use crate::store::{Signal, TriggerPatch};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What may change about a trigger; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TriggerChange)]
pub(super) struct Change {
    /// For people: 1 to 200 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// Which events it wants, after the provider's schema.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object, nullable = false, required = false)]
    config: Option<Value>,
    /// A disabled trigger sees nothing.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// The account whose deliveries it sees, null for none; or the one that a polling
    /// trigger has asked.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<IntegrationId>)]
    pub(super) integration_id: Option<Option<IntegrationId>>,
    /// Seconds between two polls of a polling trigger, instead of what was before.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) poll_interval_seconds: Option<u32>,
    /// When a scheduled trigger fires, or a polling trigger asks, instead of what was
    /// before.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) cron: Option<String>,
    /// The IANA time zone of the cron.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) timezone: Option<String>,
    /// The schedule that a scheduled trigger follows, instead of what was before: one
    /// of its automation's.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    schedule_id: Option<ScheduleId>,
    /// What becomes of ticks that were due while nothing ran.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    missed_ticks: Option<MissedTicks>,
}

impl Change {
    fn check_fields(&self, checks: &mut Checks, kind: TriggerKind) {
        let fields = [
            ("/config", self.config.is_some()),
            ("/integration_id", self.integration_id.is_some()),
            (
                "/poll_interval_seconds",
                self.poll_interval_seconds.is_some(),
            ),
            ("/cron", self.cron.is_some()),
            ("/timezone", self.timezone.is_some()),
            ("/schedule_id", self.schedule_id.is_some()),
            ("/missed_ticks", self.missed_ticks.is_some()),
        ];
        check_fields(checks, kind, &fields);
    }
}

/// What is written of a clock that a change has set.
struct ChangedClock {
    cron: Option<String>,
    timezone: Option<String>,
}

/// What a change of cron and time zone leads to; none if it changes neither.
async fn clock_after(
    checks: &mut Checks,
    state: &AppState,
    org: &OrgId,
    before: &Trigger,
    change: &Change,
) -> Result<Option<ChangedClock>, Problem> {
    if before.kind != TriggerKind::Scheduled {
        return Ok(None);
    }
    if let Some(id) = change.schedule_id {
        let schedule = state.store().schedule(org, id).await?;
        if schedule.is_none_or(|schedule| schedule.automation_id != before.automation_id) {
            checks.add(
                "/schedule_id",
                "no such schedule of the trigger's automation",
            );
        }
        if change.cron.is_some() || change.timezone.is_some() {
            checks.add("/cron", "expected either a cron or a schedule_id");
        }
        return Ok(None);
    }
    if change.cron.is_none() && change.timezone.is_none() {
        return Ok(None);
    }
    if change.cron.is_none() && before.schedule_id.is_some() {
        checks.add("/timezone", "is the schedule's");
        return Ok(None);
    }
    let cron = change.cron.as_ref().or(before.cron.as_ref());
    let zone = change.timezone.as_ref().or(before.timezone.as_ref());
    let zone = zone.map_or(ZONE_DEFAULT, String::as_str);
    let checked = check_cron(checks, cron.map_or("", String::as_str), zone);
    let leaves_schedule = change.cron.is_some() && before.schedule_id.is_some();
    Ok(checked.map(|(cron, zone)| ChangedClock {
        cron: change.cron.is_some().then_some(cron),
        // The time zone of the schedule stays with the trigger that leaves it.
        timezone: (change.timezone.is_some() || leaves_schedule).then_some(zone),
    }))
}

/// Change a trigger
#[utoipa::path(patch, path = "/v1/triggers/{id}", tag = "triggers",
    params(("id" = TriggerId, Path)), request_body = Change,
    responses((status = OK, description = "Changed", body = TriggerAnswer)))]
pub(super) async fn update_trigger(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<TriggerId>,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<TriggerAnswer>, Problem> {
    let store = state.store();
    let not_found = || Problem::not_found("trigger");
    let (before, _) = store.trigger(&org, id).await?.ok_or_else(not_found)?;

    let mut checks = Checks::default();
    change.check_fields(&mut checks, before.kind);
    let polls = before.kind == TriggerKind::Polling;
    let poll = match polls {
        true => poll_after(&mut checks, &state, &before, &change),
        false => ChangedPoll::default(),
    };
    let cron = clock_after(&mut checks, &state, &org, &before, &change).await?;
    let has_provider = polls || before.kind == TriggerKind::Webhook;
    let name = change.name.map(|name| checks.name("/name", &name));
    if let Some(config) = change.config.as_ref().filter(|_| has_provider) {
        // A provider that is switched off still has its schema.
        match state.registry().get(&before.provider) {
            Some(provider) => checks.config(&provider, config),
            None => checks.add(
                "/config",
                format!("cannot be checked: {} is not registered", before.provider),
            ),
        }
    }
    if let Some(Some(integration)) = change.integration_id {
        check_integration(&mut checks, &state, &org, integration, &before.provider).await?;
    }
    checks.done()?;

    let (poll_cron, poll_zone) = poll.cron.unzip();
    let patch = TriggerPatch {
        name,
        config: change.config,
        enabled: change.enabled,
        integration: change.integration_id,
        poll_interval_seconds: poll.interval_seconds,
        cron: poll_cron.or_else(|| cron.as_ref().and_then(|cron| cron.cron.clone())),
        timezone: poll_zone.or_else(|| cron.and_then(|cron| cron.timezone)),
        schedule: change.schedule_id,
        missed_ticks: change.missed_ticks,
    };
    let changed = store
        .update_trigger(
            &org,
            id,
            &patch,
            state.config().scheduler.limits(),
            clock::now(),
        )
        .await?;
    let (trigger, token) = changed.ok_or_else(not_found)?;
    state.signals().raise(Signal::Routes);
    // What was due before the change has been fired with it.
    state.signals().raise(Signal::Outbox);
    if polls {
        state.signals().raise(Signal::Polls);
    }
    Ok(Json(TriggerAnswer {
        trigger,
        webhook_url: answer::webhook_url(&state, token),
    }))
}
