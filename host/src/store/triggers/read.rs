//! Reads triggers, one or a page of them.

use crate::domain::cron::Cron;
use crate::domain::resource::Trigger;
use crate::domain::{AutomationId, IntegrationId, OrgId, ScheduleId, Timestamp, TriggerId};
use crate::store::pool::read;
use crate::store::{Page, PageRequest, Store, StoreError};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct TriggerRow {
    id: Uuid,
    automation_id: Uuid,
    name: String,
    provider: String,
    kind: String,
    integration_id: Option<Uuid>,
    config: String,
    enabled: bool,
    token: Option<String>,
    poll_interval_seconds: Option<i32>,
    cron: Option<String>,
    timezone: Option<String>,
    schedule_id: Option<Uuid>,
    missed_ticks: Option<String>,
    due_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl TriggerRow {
    /// Why the cron cannot be read, which was checked when it was written.
    fn cron_error(&self) -> Option<String> {
        let (cron, zone) = (self.cron.as_ref()?, self.timezone.as_ref()?);
        let error = Cron::parse_stored(cron, zone).err();
        error.map(|error| error.to_string())
    }
}

impl TryFrom<TriggerRow> for (Trigger, Option<String>) {
    type Error = StoreError;

    fn try_from(row: TriggerRow) -> Result<Self, StoreError> {
        let cron_error = row.cron_error();
        let unreadable = |column, error: &dyn std::fmt::Display| {
            StoreError::unreadable("triggers", column, error)
        };
        let trigger = Trigger {
            id: TriggerId(row.id),
            automation_id: AutomationId(row.automation_id),
            name: row.name,
            provider: row.provider,
            kind: row
                .kind
                .parse()
                .map_err(|error| unreadable("kind", &error))?,
            integration_id: row.integration_id.map(IntegrationId),
            config: serde_json::from_str(&row.config)
                .map_err(|error| unreadable("config", &error))?,
            enabled: row.enabled,
            poll_interval_seconds: row
                .poll_interval_seconds
                .and_then(|seconds| seconds.try_into().ok()),
            cron: row.cron,
            timezone: row.timezone,
            schedule_id: row.schedule_id.map(ScheduleId),
            missed_ticks: row
                .missed_ticks
                .map(|missed| missed.parse())
                .transpose()
                .map_err(|error| unreadable("missed_ticks", &error))?,
            // When it is looked at again is no tick.
            next_tick_at: row.due_at.map(Timestamp).filter(|_| cron_error.is_none()),
            cron_error,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        };
        Ok((trigger, row.token))
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select t.id, t.automation_id, t.name, t.provider, t.kind, t.integration_id, t.config,
                t.enabled, t.token, t.poll_interval_seconds, coalesce(s.cron, t.cron) as cron,
                coalesce(s.timezone, t.timezone) as timezone, t.schedule_id, t.missed_ticks,
                t.due_at, t.created_at, t.updated_at
             from triggers t left join schedules s on s.id = t.schedule_id
             where t.org_id = $1 and t.deleted_at is null ",
            $rest
        )
    };
}

impl Store {
    /// One trigger, with the token of its URL.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn trigger(
        &self,
        org: &OrgId,
        id: TriggerId,
    ) -> Result<Option<(Trigger, Option<String>)>, StoreError> {
        let row: Option<TriggerRow> = read!(self, pool => {
            sqlx::query_as(select!("and t.id = $2"))
                .bind(org.as_str())
                .bind(id.0)
                .fetch_optional(pool)
                .await?
        });
        row.map(TryFrom::try_from).transpose()
    }

    /// An organization's triggers, or those of one automation, with the tokens of
    /// their URLs.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn list_triggers(
        &self,
        org: &OrgId,
        automation: Option<AutomationId>,
        page: PageRequest,
    ) -> Result<Page<(Trigger, Option<String>)>, StoreError> {
        let rows: Vec<TriggerRow> = read!(self, pool => {
            sqlx::query_as(select!(
                "and t.id < $2 and ($4 is null or t.automation_id = $4) order by t.id desc limit $3"
            ))
            .bind(org.as_str())
            .bind(page.before())
            .bind(page.fetch())
            .bind(automation.map(|id| id.0))
            .fetch_all(pool)
            .await?
        });
        let items = rows
            .into_iter()
            .map(TryFrom::try_from)
            .collect::<Result<_, _>>()?;
        Ok(page.page(items, |(trigger, _): &(Trigger, _)| trigger.id.0))
    }
}
