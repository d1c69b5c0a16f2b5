//! Creates, changes and deletes triggers. Each change becomes known to the routes.

use super::{NewTrigger, TriggerAutomation, TriggerPatch, TriggerPoll};
use crate::domain::resource::{Trigger, TriggerKind};
use crate::domain::schedule::{FiringLimits, MissedTicks};
use crate::domain::{AutomationId, OrgId, Timestamp, TriggerId};
use crate::store::polls::{PollGroups as _, in_lock_order};
use crate::store::pool::write;
use crate::store::routes::{add_secret, changed};
use crate::store::ticks::{Fired, fire_held, retime};
use crate::store::{Store, StoreError};
use serde_json::Value;
use uuid::Uuid;

/// Leaves the transaction with [`StoreError::Missing`] unless the row exists in
/// the organization, and keeps it there until the end of the transaction: on
/// Postgres it could be deleted in between, SQLite has one writer.
macro_rules! exists {
    ($store:expr, $tx:ident, $table:literal, $what:literal, $org:expr, $id:expr) => {{
        const FIND: &str = concat!(
            "select 1 from ",
            $table,
            " where org_id = $1 and id = $2 and deleted_at is null"
        );
        const FIND_AND_KEEP: &str = concat!(
            "select 1 from ",
            $table,
            " where org_id = $1 and id = $2 and deleted_at is null for share"
        );
        let embedded = $store.is_embedded();
        let sql = if embedded { FIND } else { FIND_AND_KEEP };
        let found: Option<i32> = sqlx::query_scalar(sql)
            .bind($org.as_str())
            .bind($id)
            .fetch_optional(&mut **$tx)
            .await?;
        if found.is_none() {
            return Err(StoreError::Missing { what: $what });
        }
    }};
}

const POLLED: &str = "select integration_id from triggers
    where org_id = $1 and id = $2 and kind = $3 and deleted_at is null";
const POLLED_AND_KEEP: &str = "select integration_id from triggers
    where org_id = $1 and id = $2 and kind = $3 and deleted_at is null for update";

const KEEP_AUTOMATION: &str = "select 1 from automations where id = (
        select automation_id from triggers where org_id = $1 and id = $2 and deleted_at is null)
    for no key update";
const FOLLOWS: &str =
    "select schedule_id from triggers where org_id = $1 and id = $2 and deleted_at is null";
const HOLD: &str = "select id from triggers where org_id = $1 and id = $2 and deleted_at is null";
const HOLD_AND_KEEP: &str =
    "select id from triggers where org_id = $1 and id = $2 and deleted_at is null for update";

fn seconds(seconds: Option<u32>) -> Option<i32> {
    seconds.map(|seconds| i32::try_from(seconds).unwrap_or(i32::MAX))
}

/// Locks a trigger until the end of the transaction: it, or nothing.
macro_rules! hold {
    ($store:expr, $tx:ident, $org:expr, $id:expr) => {{
        let embedded = $store.is_embedded();
        let held: Vec<Uuid> = sqlx::query_scalar(if embedded { HOLD } else { HOLD_AND_KEEP })
            .bind($org.as_str())
            .bind($id.0)
            .fetch_all(&mut **$tx)
            .await?;
        held
    }};
}

impl Store {
    /// Creates a trigger, and its automation where that is new, in one
    /// transaction.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if its automation or integration does not exist in
    /// this organization.
    pub async fn create_trigger(
        &self,
        org: &OrgId,
        new: &NewTrigger,
        now: Timestamp,
    ) -> Result<Trigger, StoreError> {
        let automation = match &new.automation {
            TriggerAutomation::Existing(id) => *id,
            TriggerAutomation::New(_) => AutomationId::new(),
        };
        let config = new.config.to_string();
        write!(self, tx => {
            match &new.automation {
                TriggerAutomation::New(name) => {
                    sqlx::query(
                        "insert into automations (id, org_id, name, enabled, created_at, updated_at)
                         values ($1, $2, $3, $4, $5, $5)",
                    )
                    .bind(automation.0)
                    .bind(org.as_str())
                    .bind(name.as_str())
                    .bind(true)
                    .bind(now.0)
                    .execute(&mut **tx)
                    .await?;
                }
                TriggerAutomation::Existing(id) => {
                    exists!(self, tx, "automations", "automation", org, id.0);
                }
            }
            if let Some(id) = new.integration {
                exists!(self, tx, "integrations", "integration", org, id.0);
            }
            if let Some(id) = new.clock.as_ref().and_then(|clock| clock.schedule) {
                exists!(self, tx, "schedules", "schedule", org, id.0);
            }
            let of_clock = new.clock.as_ref().and_then(|clock| clock.cron.as_ref());
            let of_clock = of_clock.map(|(cron, zone)| (cron.as_str(), zone.as_str()));
            let own = of_clock.or(new.poll.as_ref().and_then(TriggerPoll::cron));
            sqlx::query(
                "insert into triggers (id, org_id, automation_id, name, provider, kind,
                    integration_id, config, enabled, token, cron, timezone, schedule_id,
                    missed_ticks, poll_interval_seconds, created_at, updated_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)",
            )
            .bind(new.id.0)
            .bind(org.as_str())
            .bind(automation.0)
            .bind(new.name.as_str())
            .bind(new.provider.as_str())
            .bind(new.kind.as_str())
            .bind(new.integration.map(|id| id.0))
            .bind(config.as_str())
            .bind(new.enabled)
            .bind(new.door.as_ref().map(|door| door.token.as_str()))
            .bind(own.map(|(cron, _)| cron))
            .bind(own.map(|(_, zone)| zone))
            .bind(new.clock.as_ref().and_then(|clock| clock.schedule).map(|id| id.0))
            .bind(new.clock.as_ref().map(|clock| clock.missed_ticks.as_str()))
            .bind(seconds(new.poll.as_ref().and_then(TriggerPoll::interval_seconds)))
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
            if let Some(door) = &new.door {
                add_secret!(tx, new.id.0, &door.secret, now);
            }
            if new.clock.is_some() {
                retime!(tx, new.id.0, now);
            }
            if let Some(integration) = new.integration.filter(|_| new.poll.is_some()) {
                tx.regroup(integration.0, true, now).await?;
            }
            changed!(tx, vec![new.id.0]);
            Ok::<_, StoreError>(())
        })?;
        let created = self.trigger(org, new.id).await?;
        created
            .map(|(trigger, _)| trigger)
            // Deleted again in the meantime.
            .ok_or(StoreError::Missing { what: "trigger" })
    }

    /// Changes a trigger; none if there is no such.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the integration does not exist in this
    /// organization.
    pub async fn update_trigger(
        &self,
        org: &OrgId,
        id: TriggerId,
        patch: &TriggerPatch,
        limits: FiringLimits,
        now: Timestamp,
    ) -> Result<Option<(Trigger, Option<String>)>, StoreError> {
        let config = patch.config.as_ref().map(Value::to_string);
        let mut fired = Fired::default();
        let found = write!(self, tx => {
            let retimed = patch.cron.is_some() || patch.timezone.is_some()
                || patch.schedule.is_some() || patch.enabled.is_some();
            if retimed && !self.is_embedded() {
                // One change of an automation's triggers at a time: which schedule this
                // one follows stays as it is read below.
                sqlx::query(KEEP_AUTOMATION)
                    .bind(org.as_str())
                    .bind(id.0)
                    .execute(&mut **tx)
                    .await?;
            }
            if let Some(Some(integration)) = patch.integration {
                exists!(self, tx, "integrations", "integration", org, integration.0);
            }
            // The integration whose group it leaves; nobody moves it meanwhile.
            let polled = if self.is_embedded() { POLLED } else { POLLED_AND_KEEP };
            let polled: Option<Uuid> = sqlx::query_scalar(polled)
                .bind(org.as_str())
                .bind(id.0)
                .bind(TriggerKind::Polling.as_str())
                .fetch_optional(&mut **tx)
                .await?;
            if retimed {
                // Everybody locks a schedule before the triggers that follow it.
                let follows: Option<Option<Uuid>> = sqlx::query_scalar(FOLLOWS)
                    .bind(org.as_str())
                    .bind(id.0)
                    .fetch_optional(&mut **tx)
                    .await?;
                let schedule = patch.schedule.map(|id| id.0).or(follows.flatten());
                if let Some(schedule) = schedule {
                    exists!(self, tx, "schedules", "schedule", org, schedule);
                }
                let held = hold!(self, tx, org, id);
                // What is due already was due by what was before.
                fire_held!(tx, held, now, limits, fired);
            }
            let done = sqlx::query(
                "update triggers set name = coalesce($3, name), config = coalesce($4, config),
                    enabled = coalesce($5, enabled),
                    integration_id = case when $6 then $7 else integration_id end,
                    cron = case when $11 is null and $13 is null then coalesce($9, cron) end,
                    timezone = case when $11 is null and $13 is null then coalesce($10, timezone) end,
                    schedule_id = case when $9 is null then coalesce($11, schedule_id) end,
                    missed_ticks = coalesce($12, missed_ticks),
                    poll_interval_seconds =
                        case when $9 is null then coalesce($13, poll_interval_seconds) end,
                    updated_at = $8
                 where org_id = $1 and id = $2 and deleted_at is null",
            )
            .bind(org.as_str())
            .bind(id.0)
            .bind(patch.name.as_deref())
            .bind(config.as_deref())
            .bind(patch.enabled)
            .bind(patch.integration.is_some())
            .bind(patch.integration.flatten().map(|id| id.0))
            .bind(now.0)
            .bind(patch.cron.as_deref())
            .bind(patch.timezone.as_deref())
            .bind(patch.schedule.map(|id| id.0))
            .bind(patch.missed_ticks.map(MissedTicks::as_str))
            .bind(seconds(patch.poll_interval_seconds))
            .execute(&mut **tx)
            .await?;
            let found = done.rows_affected() == 1;
            if found {
                if retimed {
                    retime!(tx, id.0, now);
                }
                if let Some(left) = polled.filter(|_| patch.concerns_polls()) {
                    let joined = patch.integration.flatten().map(|id| id.0);
                    for integration in in_lock_order([left].into_iter().chain(joined).collect()) {
                        tx.regroup(integration, joined == Some(integration), now).await?;
                    }
                }
                changed!(tx, vec![id.0]);
            }
            Ok::<_, StoreError>(found)
        })?;
        fired.measure();
        if found {
            self.trigger(org, id).await
        } else {
            Ok(None)
        }
    }

    /// Deletes a trigger; false if there is no such. Its events stay, and what was due
    /// before is fired: it was due, whoever saw it first.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn delete_trigger(
        &self,
        org: &OrgId,
        id: TriggerId,
        limits: FiringLimits,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut fired = Fired::default();
        let changed = write!(self, tx => {
            let held = hold!(self, tx, org, id);
            fire_held!(tx, held, now, limits, fired);
            let deleted: Option<(String, Option<Uuid>)> = sqlx::query_as(
                "update triggers set deleted_at = $3, due_at = null, manual_of = null
                 where org_id = $1 and id = $2 and deleted_at is null
                 returning kind, integration_id",
            )
            .bind(org.as_str())
            .bind(id.0)
            .bind(now.0)
            .fetch_optional(&mut **tx)
            .await?;
            let found = deleted.is_some();
            if let Some((kind, integration)) = deleted {
                let polls = kind == TriggerKind::Polling.as_str();
                if let Some(integration) = integration.filter(|_| polls) {
                    tx.regroup(integration, false, now).await?;
                }
                sqlx::query("delete from webhook_secrets where subject = $1")
                    .bind(id.0)
                    .execute(&mut **tx)
                    .await?;
                changed!(tx, vec![id.0]);
            }
            Ok::<_, StoreError>(found)
        })?;
        fired.measure();
        Ok(changed)
    }
}
