//! Triggers that poll: what they need, and when their service is asked.

use super::create::{Creation, check_integration, wants_all};
use super::update::Change;
use crate::api::check::Checks;
use crate::api::schedules::{ZONE_DEFAULT, check_cron};
use crate::api::{AppState, Problem};
use crate::clock;
use crate::domain::OrgId;
use crate::domain::cron::Cron;
use crate::domain::provider::ProviderKind;
use crate::domain::resource::Trigger;
use crate::store::TriggerPoll;

/// A week.
const INTERVAL_SECONDS_MAX: u32 = 604_800;
/// Ticks of a cron that are looked at for the shortest time between two.
const TICKS_LOOKED_AT: usize = 60;

/// Checks a new trigger of the kind `polling`.
pub(super) async fn check_poll(
    checks: &mut Checks,
    state: &AppState,
    org: &OrgId,
    new: &Creation,
) -> Result<Option<TriggerPoll>, Problem> {
    let Some(id) = &new.provider else {
        checks.add("/provider", "expected the id of a provider");
        return Ok(None);
    };
    let config = new.config.clone().unwrap_or_else(wants_all);
    let mut interval_default = state.config().polling.interval_seconds_min;
    if let Some(provider) = checks.provider(state.registry(), id) {
        checks.config(&provider, &config);
        let info = provider.info();
        let source = info.polling.as_ref();
        match source.filter(|_| info.kinds.contains(&ProviderKind::Polling)) {
            Some(source) => {
                interval_default = interval_default.max(source.default_interval_seconds)
            }
            None => checks.add("/provider", "does not poll"),
        }
    }
    match new.integration_id {
        Some(integration) => check_integration(checks, state, org, integration, id).await?,
        None => checks.add(
            "/integration_id",
            "expected the integration whose account is asked",
        ),
    }
    let Some(cron) = &new.cron else {
        if new.timezone.is_some() {
            checks.add("/timezone", "belongs to a cron");
        }
        let seconds = new.poll_interval_seconds.unwrap_or(interval_default);
        check_interval(checks, state, seconds);
        return Ok(Some(TriggerPoll::Every(seconds)));
    };
    if new.poll_interval_seconds.is_some() {
        checks.add("/cron", "expected either a cron or a poll_interval_seconds");
    }
    let zone = new.timezone.as_deref().unwrap_or(ZONE_DEFAULT);
    Ok(check_poll_cron(checks, state, cron, zone).map(|(cron, zone)| TriggerPoll::At(cron, zone)))
}

/// What a change of a polling trigger writes of its timing: interval, cron, time zone.
#[derive(Default)]
pub(super) struct ChangedPoll {
    pub(super) interval_seconds: Option<u32>,
    pub(super) cron: Option<(String, String)>,
}

/// Checks a change of a trigger of the kind `polling`.
pub(super) fn poll_after(
    checks: &mut Checks,
    state: &AppState,
    before: &Trigger,
    change: &Change,
) -> ChangedPoll {
    if change.integration_id == Some(None) {
        checks.add(
            "/integration_id",
            "expected the integration whose account is asked",
        );
    }
    if let Some(seconds) = change.poll_interval_seconds {
        check_interval(checks, state, seconds);
        if change.cron.is_some() || change.timezone.is_some() {
            checks.add("/cron", "expected either a cron or a poll_interval_seconds");
        }
        return ChangedPoll {
            interval_seconds: Some(seconds),
            cron: None,
        };
    }
    if change.cron.is_none() && change.timezone.is_none() {
        return ChangedPoll::default();
    }
    let Some(cron) = change.cron.as_ref().or(before.cron.as_ref()) else {
        checks.add("/timezone", "belongs to a cron");
        return ChangedPoll::default();
    };
    let zone = change.timezone.as_ref().or(before.timezone.as_ref());
    let zone = zone.map_or(ZONE_DEFAULT, String::as_str);
    ChangedPoll {
        interval_seconds: None,
        cron: check_poll_cron(checks, state, cron, zone),
    }
}

fn check_interval(checks: &mut Checks, state: &AppState, seconds: u32) {
    let min = state.config().polling.interval_seconds_min;
    let range = u64::from(min)..=u64::from(INTERVAL_SECONDS_MAX);
    checks.number("/poll_interval_seconds", seconds.into(), range);
}

/// A cron that does not ask more often than an interval may.
fn check_poll_cron(
    checks: &mut Checks,
    state: &AppState,
    cron: &str,
    zone: &str,
) -> Option<(String, String)> {
    let checked = check_cron(checks, cron, zone)?;
    let min = i64::from(state.config().polling.interval_seconds_min);
    if shortest_seconds(&checked.0, &checked.1).is_some_and(|seconds| seconds < min) {
        checks.add("/cron", format!("polls more often than every {min} s"));
    }
    Some(checked)
}

/// The shortest time between two of the next ticks.
fn shortest_seconds(cron: &str, zone: &str) -> Option<i64> {
    let cron = Cron::parse_stored(cron, zone).ok()?;
    let mut last = cron.next_after(clock::now())?;
    let mut shortest: Option<i64> = None;
    for _ in 0..TICKS_LOOKED_AT {
        let Some(next) = cron.next_after(last) else {
            break;
        };
        let seconds = next.micros_since(last) / 1_000_000;
        shortest = Some(shortest.map_or(seconds, |shortest| shortest.min(seconds)));
        last = next;
    }
    shortest
}
