//! Automations.

use super::polls::{PollGroups as _, in_lock_order};
use super::pool::{read, write};
use super::ticks::{Fired, fire_held};
use super::{Page, PageRequest, Store, StoreError};
use crate::domain::resource::{Automation, TriggerKind};
use crate::domain::schedule::FiringLimits;
use crate::domain::{AutomationId, OrgId, Timestamp};
use uuid::Uuid;

/// What may change about an automation.
#[derive(Clone, Debug, Default)]
pub struct AutomationPatch {
    /// Its name.
    pub name: Option<String>,
    /// Whether it runs.
    pub enabled: Option<bool>,
}

#[derive(sqlx::FromRow)]
struct AutomationRow {
    id: Uuid,
    name: String,
    enabled: bool,
    created_at: i64,
    updated_at: i64,
}

impl From<AutomationRow> for Automation {
    fn from(row: AutomationRow) -> Self {
        Self {
            id: AutomationId(row.id),
            name: row.name,
            enabled: row.enabled,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        }
    }
}

const DUE: &str = "select id from triggers where org_id = $1 and automation_id = $2
    and due_at <= $3 and enabled and deleted_at is null order by id";
const DUE_AND_KEEP: &str = "select id from triggers where org_id = $1 and automation_id = $2
    and due_at <= $3 and enabled and deleted_at is null order by id for update";

impl Store {
    /// Creates an automation.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn create_automation(
        &self,
        org: &OrgId,
        name: &str,
        enabled: bool,
        now: Timestamp,
    ) -> Result<Automation, StoreError> {
        let id = AutomationId::new();
        write!(self, tx => {
            sqlx::query(
                "insert into automations (id, org_id, name, enabled, created_at, updated_at)
                 values ($1, $2, $3, $4, $5, $5)",
            )
            .bind(id.0)
            .bind(org.as_str())
            .bind(name)
            .bind(enabled)
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
            Ok::<_, StoreError>(())
        })?;
        Ok(Automation {
            id,
            name: name.into(),
            enabled,
            created_at: now,
            updated_at: now,
        })
    }

    /// One automation.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn automation(
        &self,
        org: &OrgId,
        id: AutomationId,
    ) -> Result<Option<Automation>, StoreError> {
        let row: Option<AutomationRow> = read!(self, pool => {
            sqlx::query_as(
                "select id, name, enabled, created_at, updated_at from automations
                 where org_id = $1 and id = $2 and deleted_at is null",
            )
            .bind(org.as_str())
            .bind(id.0)
            .fetch_optional(pool)
            .await?
        });
        Ok(row.map(Automation::from))
    }

    /// An organization's automations.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn list_automations(
        &self,
        org: &OrgId,
        page: PageRequest,
    ) -> Result<Page<Automation>, StoreError> {
        let rows: Vec<AutomationRow> = read!(self, pool => {
            sqlx::query_as(
                "select id, name, enabled, created_at, updated_at from automations
                 where org_id = $1 and id < $2 and deleted_at is null order by id desc limit $3",
            )
            .bind(org.as_str())
            .bind(page.before())
            .bind(page.fetch())
            .fetch_all(pool)
            .await?
        });
        Ok(page.page(rows, |row| row.id).map(Automation::from))
    }

    /// Changes an automation; none if there is no such.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn update_automation(
        &self,
        org: &OrgId,
        id: AutomationId,
        patch: &AutomationPatch,
        now: Timestamp,
    ) -> Result<Option<Automation>, StoreError> {
        let row: Option<AutomationRow> = write!(self, tx => {
            let row: Option<AutomationRow> = sqlx::query_as(
                "update automations set name = coalesce($3, name),
                    enabled = coalesce($4, enabled), updated_at = $5
                 where org_id = $1 and id = $2 and deleted_at is null
                 returning id, name, enabled, created_at, updated_at",
            )
            .bind(org.as_str())
            .bind(id.0)
            .bind(patch.name.as_deref())
            .bind(patch.enabled)
            .bind(now.0)
            .fetch_optional(&mut **tx)
            .await?;
            if patch.enabled.is_some() && row.is_some() {
                // A page that is under way would be decided by what was before.
                let polled: Vec<Uuid> = sqlx::query_scalar(
                    "select integration_id from triggers
                     where automation_id = $1 and kind = $2 and deleted_at is null
                        and integration_id is not null",
                )
                .bind(id.0)
                .bind(TriggerKind::Polling.as_str())
                .fetch_all(&mut **tx)
                .await?;
                for integration in in_lock_order(polled) {
                    tx.regroup(integration, false, now).await?;
                }
            }
            Ok::<_, StoreError>(row)
        })?;
        Ok(row.map(Automation::from))
    }

    /// Deletes an automation and its triggers, with their secrets; false if there is no
    /// such. What they started stays, and what was due before is fired.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn delete_automation(
        &self,
        org: &OrgId,
        id: AutomationId,
        limits: FiringLimits,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut fired = Fired::default();
        let changed = write!(self, tx => {
            let done = sqlx::query(
                "update automations set deleted_at = $3 where org_id = $1 and id = $2 and deleted_at is null",
            )
            .bind(org.as_str())
            .bind(id.0)
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
            // Everybody locks a schedule before the triggers that follow it.
            sqlx::query(
                "update schedules set deleted_at = $3
                 where org_id = $1 and automation_id = $2 and deleted_at is null",
            )
            .bind(org.as_str())
            .bind(id.0)
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
            let due = if self.is_embedded() { DUE } else { DUE_AND_KEEP };
            let due: Vec<Uuid> = sqlx::query_scalar(due)
                .bind(org.as_str())
                .bind(id.0)
                .bind(now.0)
                .fetch_all(&mut **tx)
                .await?;
            fire_held!(tx, due, now, limits, fired);
            let deleted: Vec<(Uuid, String, Option<Uuid>)> = sqlx::query_as(
                "update triggers set deleted_at = $3, due_at = null, manual_of = null
                 where org_id = $1 and automation_id = $2 and deleted_at is null
                 returning id, kind, integration_id",
            )
            .bind(org.as_str())
            .bind(id.0)
            .bind(now.0)
            .fetch_all(&mut **tx)
            .await?;
            let polled = deleted
                .iter()
                .filter(|(_, kind, _)| kind == TriggerKind::Polling.as_str());
            for integration in in_lock_order(polled.filter_map(|(_, _, id)| *id).collect()) {
                tx.regroup(integration, false, now).await?;
            }
            let triggers: Vec<Uuid> = deleted.iter().map(|(id, ..)| *id).collect();
            for trigger in &triggers {
                sqlx::query("delete from webhook_secrets where subject = $1")
                    .bind(trigger)
                    .execute(&mut **tx)
                    .await?;
            }
            super::routes::changed!(tx, triggers);
            Ok::<_, StoreError>(done.rows_affected() == 1)
        })?;
        fired.measure();
        Ok(changed)
    }
}
