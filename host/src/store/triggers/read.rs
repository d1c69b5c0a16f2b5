//! Reads triggers, one or a page of them.

use crate::domain::cron::Cron;
use crate::domain::resource::{Trigger, TriggerKind};
use crate::domain::schedule::MissedTicks;
use crate::domain::{AutomationId, IntegrationId, OrgId, ScheduleId, Timestamp, TriggerId};
use crate::store::db::{Json, Tx, all, optional};
use crate::store::{Page, PageRequest, Store, StoreError};
use constcat::concat;
use serde_json::Value;

#[derive(sqlx_macros::FromRow)]
struct TriggerRow {
    id: TriggerId,
    automation_id: AutomationId,
    name: String,
    provider: String,
    kind: TriggerKind,
    integration_id: Option<IntegrationId>,
    config: Json<Value>,
    enabled: bool,
    held_at: Option<Timestamp>,
    token: Option<String>,
    poll_interval_seconds: Option<i32>,
    cron: Option<String>,
    timezone: Option<String>,
    schedule_id: Option<ScheduleId>,
    missed_ticks: Option<MissedTicks>,
    due_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TriggerRow {
    /// The error of a cron that was valid when it was written and no longer is.
    fn cron_error(&self) -> Option<String> {
        let (cron, zone) = (self.cron.as_ref()?, self.timezone.as_ref()?);
        let error = Cron::parse_stored(cron, zone).err();
        error.map(|error| error.to_string())
    }
}

impl From<TriggerRow> for (Trigger, Option<String>) {
    fn from(row: TriggerRow) -> Self {
        let cron_error = row.cron_error();
        let trigger = Trigger {
            id: row.id,
            automation_id: row.automation_id,
            name: row.name,
            provider: row.provider,
            kind: row.kind,
            integration_id: row.integration_id,
            config: row.config.0,
            enabled: row.enabled,
            held_at: row.held_at,
            poll_interval_seconds: row
                .poll_interval_seconds
                .and_then(|seconds| seconds.try_into().ok()),
            cron: row.cron,
            timezone: row.timezone,
            schedule_id: row.schedule_id,
            missed_ticks: row.missed_ticks,
            // The due time of a trigger with an unreadable cron is no tick.
            next_tick_at: row.due_at.filter(|_| cron_error.is_none()),
            cron_error,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        (trigger, row.token)
    }
}

const OF_ORG: &str = "select t.id, t.automation_id, t.name, t.provider, t.kind, t.integration_id,
        t.config, t.enabled, t.held_at, t.token, t.poll_interval_seconds,
        coalesce(s.cron, t.cron) as cron, coalesce(s.timezone, t.timezone) as timezone,
        t.schedule_id, t.missed_ticks, t.due_at, t.created_at, t.updated_at
     from triggers t left join schedules s on s.id = t.schedule_id
     where t.org_id = $1 and t.deleted_at is null ";
const ONE: &str = concat!(OF_ORG, "and t.id = $2");
const PAGE: &str = concat!(
    OF_ORG,
    "and t.id < $2 and ($4 is null or t.automation_id = $4) order by t.id desc limit $3"
);

/// One trigger, with the token of its URL.
pub(super) async fn one(
    tx: &mut Tx<'_>,
    org: &OrgId,
    id: TriggerId,
) -> Result<Option<(Trigger, Option<String>)>, StoreError> {
    Ok(optional!(tx, TriggerRow, ONE, org, id)?.map(Into::into))
}

impl Store {
    /// One trigger, with the token of its URL.
    pub async fn trigger(
        &self,
        org: &OrgId,
        id: TriggerId,
    ) -> Result<Option<(Trigger, Option<String>)>, StoreError> {
        self.read(async |tx| one(tx, org, id).await).await
    }

    /// An organization's triggers, or those of one automation, with the tokens of their URLs.
    pub async fn list_triggers(
        &self,
        org: &OrgId,
        automation: Option<AutomationId>,
        page: PageRequest,
    ) -> Result<Page<(Trigger, Option<String>)>, StoreError> {
        let (before, fetch) = (page.before(), page.fetch());
        let rows = self
            .read(async |tx| all!(tx, TriggerRow, PAGE, org, before, fetch, automation))
            .await?;
        let items = rows.into_iter().map(Into::into).collect();
        Ok(page.page(items, |(trigger, _): &(Trigger, _)| trigger.id.0))
    }
}
