//! `/v1/schedules`: named cron definitions, which triggers follow.

use super::check::Checks;
use super::extract::{JsonBody, PathId, QueryOf, present};
use super::list::PageQuery;
use super::{AppState, Problem, Tenant, automations};
use crate::clock;
use crate::domain::cron::{Cron, CronError};
use crate::domain::schedule::Schedule;
use crate::domain::{AutomationId, ScheduleId, Timestamp};
use crate::store::{NewSchedule, Page, ScheduleDeletion, SchedulePatch, Signal};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The time zone of a cron that names none.
pub(super) const ZONE_DEFAULT: &str = "UTC";
/// Ticks that a preview shows if it does not say how many, and at most.
const TICKS_DEFAULT: u32 = 10;
const TICKS_MAX: u32 = 100;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_schedule, list_schedules))
        .routes(routes!(get_schedule, update_schedule, delete_schedule))
        .routes(routes!(next_ticks))
}

/// A schedule to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSchedule)]
struct Creation {
    /// For people: 1 to 200 characters. The cron itself if absent.
    name: Option<String>,
    /// Five fields (minute hour day month weekday), or six with seconds first. Beside
    /// numbers, names, lists, ranges and steps, the day may be `L` (last), `LW` (last from
    /// Monday to Friday), `15W` (from Monday to Friday, nearest to the 15th) or `?` (any),
    /// the weekday `FRIL` (last Friday), `FRI#2` (second Friday) or `?`.
    cron: String,
    /// An IANA time zone; UTC if absent.
    timezone: Option<String>,
}

/// What may change about a schedule; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ScheduleChange)]
struct Change {
    /// For people: 1 to 200 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// Five fields (minute hour day month weekday), or six with seconds first. Beside
    /// numbers, names, lists, ranges and steps, the day may be `L` (last), `LW` (last from
    /// Monday to Friday), `15W` (from Monday to Friday, nearest to the 15th) or `?` (any),
    /// the weekday `FRIL` (last Friday), `FRI#2` (second Friday) or `?`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    cron: Option<String>,
    /// An IANA time zone.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    timezone: Option<String>,
}

/// One schedule.
#[derive(Debug, Serialize, ToSchema)]
struct ScheduleAnswer {
    schedule: Schedule,
}

/// The next ticks of a schedule.
#[derive(Debug, Serialize, ToSchema)]
struct Ticks {
    /// The soonest first.
    ticks: Vec<Timestamp>,
}

/// How many ticks a preview shows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct TicksQuery {
    /// 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 10)]
    count: Option<u32>,
}

/// A cron in a time zone, or what is wrong with it.
pub(super) fn check_cron(checks: &mut Checks, cron: &str, zone: &str) -> Option<(String, String)> {
    match Cron::parse(cron, zone, clock::now()) {
        Ok(cron) => Some((cron.expression().to_owned(), cron.zone().to_owned())),
        Err(error) => {
            let pointer = match error {
                CronError::Zone(_) => "/timezone",
                CronError::Expression(_) | CronError::Never => "/cron",
            };
            checks.add(pointer, error.to_string());
            None
        }
    }
}

fn found(schedule: Option<Schedule>) -> Result<Json<ScheduleAnswer>, Problem> {
    schedule
        .map(|schedule| Json(ScheduleAnswer { schedule }))
        .ok_or_else(|| Problem::not_found("schedule"))
}

/// Create a schedule of an automation
///
/// It does not fire by itself: triggers point at it.
#[utoipa::path(post, path = "/v1/automations/{id}/schedules", tag = "schedules",
    params(("id" = AutomationId, Path)), request_body = Creation,
    responses((status = CREATED, description = "Created", body = ScheduleAnswer)))]
async fn create_schedule(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(automation): PathId<AutomationId>,
    JsonBody(new): JsonBody<Creation>,
) -> Result<(StatusCode, Json<ScheduleAnswer>), Problem> {
    let mut checks = Checks::default();
    let name = checks.name("/name", new.name.as_ref().unwrap_or(&new.cron));
    let zone = new.timezone.as_deref().unwrap_or(ZONE_DEFAULT);
    let cron = check_cron(&mut checks, &new.cron, zone);
    checks.done()?;
    let (cron, timezone) = cron.ok_or_else(Problem::internal)?;
    let new = NewSchedule {
        name,
        cron,
        timezone,
    };
    let created = state
        .store()
        .create_schedule(&org, automation, &new, clock::now())
        .await?
        .ok_or_else(|| Problem::not_found("automation"))?;
    Ok((
        StatusCode::CREATED,
        Json(ScheduleAnswer { schedule: created }),
    ))
}

/// List the schedules of an automation
#[utoipa::path(get, path = "/v1/automations/{id}/schedules", tag = "schedules",
    params(("id" = AutomationId, Path), PageQuery),
    responses((status = OK, description = "Newest first", body = Page<Schedule>)))]
async fn list_schedules(
    tenant: Tenant,
    State(state): State<AppState>,
    PathId(automation): PathId<AutomationId>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<Schedule>>, Problem> {
    automations::require(&state, &tenant, automation).await?;
    let store = state.store();
    let schedules = store.list_schedules(&tenant.0, automation, query.page());
    Ok(Json(schedules.await?))
}

/// Get a schedule
#[utoipa::path(get, path = "/v1/schedules/{id}", tag = "schedules",
    params(("id" = ScheduleId, Path)),
    responses((status = OK, description = "The schedule", body = ScheduleAnswer)))]
async fn get_schedule(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<ScheduleId>,
) -> Result<Json<ScheduleAnswer>, Problem> {
    found(state.store().schedule(&org, id).await?)
}

/// Change a schedule
///
/// The triggers that follow it fire by the new one at once.
#[utoipa::path(patch, path = "/v1/schedules/{id}", tag = "schedules",
    params(("id" = ScheduleId, Path)), request_body = Change,
    responses((status = OK, description = "Changed", body = ScheduleAnswer)))]
async fn update_schedule(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<ScheduleId>,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<ScheduleAnswer>, Problem> {
    let store = state.store();
    let before = found(store.schedule(&org, id).await?)?.0.schedule;
    let mut checks = Checks::default();
    let name = change.name.map(|name| checks.name("/name", &name));
    let cron = change.cron.as_deref().unwrap_or(&before.cron);
    let zone = change.timezone.as_deref().unwrap_or(&before.timezone);
    let checked = check_cron(&mut checks, cron, zone);
    checks.done()?;
    let (cron, timezone) = checked.ok_or_else(Problem::internal)?;
    let patch = SchedulePatch {
        name,
        cron: change.cron.map(|_| cron),
        timezone: change.timezone.map(|_| timezone),
    };
    let changed = store
        .update_schedule(
            &org,
            id,
            &patch,
            state.config().scheduler.limits(),
            clock::now(),
        )
        .await?;
    state.signals().raise(Signal::Routes);
    // What was due before the change has been fired with it.
    state.signals().raise(Signal::Outbox);
    found(changed)
}

/// Delete a schedule
///
/// Only one that no trigger follows.
#[utoipa::path(delete, path = "/v1/schedules/{id}", tag = "schedules",
    params(("id" = ScheduleId, Path)),
    responses(
        (status = NO_CONTENT, description = "Deleted"),
        (status = CONFLICT, description = "Triggers follow it", body = Problem,
            content_type = "application/problem+json")))]
async fn delete_schedule(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<ScheduleId>,
) -> Result<StatusCode, Problem> {
    match state
        .store()
        .delete_schedule(&org, id, clock::now())
        .await?
    {
        ScheduleDeletion::Done => Ok(StatusCode::NO_CONTENT),
        ScheduleDeletion::NotFound => Err(Problem::not_found("schedule")),
        ScheduleDeletion::InUse => Err(Problem::conflict("triggers follow the schedule")),
    }
}

/// Preview the next ticks of a schedule
#[utoipa::path(get, path = "/v1/schedules/{id}/next", tag = "schedules",
    params(("id" = ScheduleId, Path), TicksQuery),
    responses((status = OK, description = "The soonest first", body = Ticks)))]
async fn next_ticks(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<ScheduleId>,
    QueryOf(query): QueryOf<TicksQuery>,
) -> Result<Json<Ticks>, Problem> {
    let mut checks = Checks::default();
    let count = query.count.unwrap_or(TICKS_DEFAULT);
    checks.number("/count", count.into(), 1..=TICKS_MAX.into());
    checks.done()?;
    let schedule = found(state.store().schedule(&org, id).await?)?.0.schedule;
    let cron = Cron::parse_stored(&schedule.cron, &schedule.timezone)
        .map_err(|error| Problem::conflict(error.to_string()))?;
    let mut ticks = Vec::new();
    let mut at = clock::now();
    while let Some(next) = cron.next_after(at).filter(|_| ticks.len() < count as usize) {
        ticks.push(next);
        at = next;
    }
    Ok(Json(Ticks { ticks }))
}
