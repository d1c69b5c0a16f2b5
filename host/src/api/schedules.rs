//! `/v1/schedules`: named cron expressions that triggers can follow.

use super::check::Checks;
use super::extract::{JsonBody, PathId, QueryOf, present};
use super::found::Found as _;
use super::list::PageQuery;
use super::values::Name;
use super::{AppState, Problem, Tenant, automations};
use crate::clock;
use crate::domain::cron::{Cron, CronError};
use crate::domain::schedule::Schedule;
use crate::domain::{AutomationId, ScheduleId, Timestamp};
use crate::store::{NewSchedule, Page, ScheduleDeletion, SchedulePatch};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The time zone of a cron expression without one.
pub(super) const ZONE_DEFAULT: &str = "UTC";
/// The number of ticks in a preview: by default, and at most.
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
    /// A name for people: one line of 1 to 200 characters. If absent, the cron expression.
    name: Option<Name>,
    /// A cron expression of five fields (minute, hour, day, month, weekday), or of six with
    /// seconds first. A field takes numbers, names, lists, ranges and steps. The day also
    /// takes `L` (the last), `LW` (the last working day), `15W` (the working day nearest to
    /// the 15th) and `?` (any). The weekday also takes `FRIL` (the last Friday), `FRI#2`
    /// (the second Friday) and `?`. Working days are Monday to Friday.
    cron: String,
    /// An IANA time zone. If absent, UTC.
    timezone: Option<String>,
}

/// A change of a schedule. Absent fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ScheduleChange)]
struct Change {
    /// A name for people: one line of 1 to 200 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<Name>,
    /// A cron expression of five fields (minute, hour, day, month, weekday), or of six with
    /// seconds first. A field takes numbers, names, lists, ranges and steps. The day also
    /// takes `L` (the last), `LW` (the last working day), `15W` (the working day nearest to
    /// the 15th) and `?` (any). The weekday also takes `FRIL` (the last Friday), `FRI#2`
    /// (the second Friday) and `?`. Working days are Monday to Friday.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    cron: Option<String>,
    /// An IANA time zone.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    timezone: Option<String>,
}

/// A schedule.
#[derive(Debug, Serialize, ToSchema)]
struct ScheduleAnswer {
    schedule: Schedule,
}

/// The next ticks of a schedule.
#[derive(Debug, Serialize, ToSchema)]
struct Ticks {
    /// Soonest first.
    ticks: Vec<Timestamp>,
}

/// The query of a preview.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct TicksQuery {
    /// The number of ticks: 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 10)]
    count: Option<u32>,
}

/// Checks a cron expression and its time zone. Returns both as they are stored.
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
    let schedule = schedule.or_404("schedule")?;
    Ok(Json(ScheduleAnswer { schedule }))
}

/// Create a schedule of an automation
///
/// A schedule fires only through the triggers that follow it.
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
    let name = new.name.unwrap_or_else(|| Name::from(new.cron.clone()));
    let name = name.check(&mut checks, "/name");
    let zone = new.timezone.as_deref().unwrap_or(ZONE_DEFAULT);
    let cron = check_cron(&mut checks, &new.cron, zone);
    checks.done()?;
    // A cron that failed its check has added an error above.
    let (cron, timezone) = cron.ok_or_else(Problem::internal)?;
    let new = NewSchedule {
        name,
        cron,
        timezone,
    };
    let store = state.store();
    let created = store.create_schedule(&org, automation, &new, clock::now());
    let schedule = created.await?.or_404("automation")?;
    Ok((StatusCode::CREATED, Json(ScheduleAnswer { schedule })))
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
/// The triggers that follow it use the new cron expression at once.
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
    let before = store.schedule(&org, id).await?.or_404("schedule")?;
    let mut checks = Checks::default();
    let name = change.name.map(|name| name.check(&mut checks, "/name"));
    let cron = change.cron.as_deref().unwrap_or(&before.cron);
    let zone = change.timezone.as_deref().unwrap_or(&before.timezone);
    let checked = check_cron(&mut checks, cron, zone);
    checks.done()?;
    // A cron that failed its check has added an error above.
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
    found(changed)
}

/// Delete a schedule
///
/// A schedule that a trigger follows cannot be deleted.
#[utoipa::path(delete, path = "/v1/schedules/{id}", tag = "schedules",
    params(("id" = ScheduleId, Path)),
    responses(
        (status = NO_CONTENT, description = "Deleted"),
        (status = CONFLICT, description = "A trigger follows the schedule")))]
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
    responses((status = OK, description = "Soonest first", body = Ticks)))]
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
    let schedule = state.store().schedule(&org, id).await?;
    let schedule = schedule.or_404("schedule")?;
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
