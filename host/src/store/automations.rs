//! Automations: created, read, changed, and deleted with their triggers and schedules.

use super::db::{ByEngine, Tx, all, exec, insert, locked, optional, row};
use super::polls::regroup_all;
use super::triggers::ticks::{self, Fired};
use super::{Page, PageRequest, Store, StoreError, routes, secrets};
use crate::domain::resource::{Automation, TriggerKind};
use crate::domain::schedule::FiringLimits;
use crate::domain::{AutomationId, IntegrationId, OrgId, Timestamp, TriggerId};
use constcat::concat;
use uuid::Uuid;

/// A change of an automation.
#[derive(Clone, Debug, Default)]
pub struct AutomationPatch {
    /// Its name.
    pub name: Option<String>,
    /// A disabled automation starts no runs.
    pub enabled: Option<bool>,
}

row!(Automation {
    id,
    name,
    enabled,
    created_at,
    updated_at
});

const ONE: &str = concat!(
    "select ",
    Automation::COLUMNS,
    " from automations where org_id = $1 and id = $2 and deleted_at is null"
);
const PAGE: &str = concat!(
    "select ",
    Automation::COLUMNS,
    " from automations
     where org_id = $1 and id < $2 and deleted_at is null order by id desc limit $3"
);
const UPDATE: &str = concat!(
    "update automations set name = coalesce($3, name), enabled = coalesce($4, enabled),
        updated_at = $5
     where org_id = $1 and id = $2 and deleted_at is null
     returning ",
    Automation::COLUMNS
);

const HOLD: ByEngine = locked!(
    "select 1 from automations where org_id = $1 and id = $2 and deleted_at is null",
    "for no key update"
);
const HOLD_SCHEDULES: ByEngine = locked!(
    "select 1 from schedules
     where org_id = $1 and automation_id = $2 and deleted_at is null order by id",
    "for no key update"
);
const DUE: ByEngine = locked!(
    "select id from triggers where org_id = $1 and automation_id = $2
        and due_at <= $3 and enabled and deleted_at is null order by id limit $4",
    "for update"
);
const DELETE: &str = "update automations set deleted_at = $3
     where org_id = $1 and id = $2 and deleted_at is null";
const DELETE_SCHEDULES: &str = "update schedules set deleted_at = $3
     where org_id = $1 and automation_id = $2 and deleted_at is null";

impl Store {
    /// Creates an automation.
    pub async fn create_automation(
        &self,
        org: &OrgId,
        name: &str,
        enabled: bool,
        now: Timestamp,
    ) -> Result<Automation, StoreError> {
        let automation = Automation {
            id: AutomationId::new(),
            name: name.into(),
            enabled,
            created_at: now,
            updated_at: now,
        };
        self.write(async |tx| insert(tx, org, &automation).await)
            .await?;
        Ok(automation)
    }

    /// One automation.
    pub async fn automation(
        &self,
        org: &OrgId,
        id: AutomationId,
    ) -> Result<Option<Automation>, StoreError> {
        self.read(async |tx| optional!(tx, Automation, ONE, org, id))
            .await
    }

    /// An organization's automations.
    pub async fn list_automations(
        &self,
        org: &OrgId,
        page: PageRequest,
    ) -> Result<Page<Automation>, StoreError> {
        let items = self
            .read(async |tx| all!(tx, Automation, PAGE, org, page.before(), page.fetch()))
            .await?;
        Ok(page.page(items, |automation: &Automation| automation.id.0))
    }

    /// Changes an automation; none if the organization has no such automation.
    pub async fn update_automation(
        &self,
        org: &OrgId,
        id: AutomationId,
        patch: &AutomationPatch,
        now: Timestamp,
    ) -> Result<Option<Automation>, StoreError> {
        let (name, enabled) = (patch.name.as_deref(), patch.enabled);
        self.write(async |tx| {
            let automation = optional!(tx, Automation, UPDATE, org, id, name, enabled, now)?;
            if enabled.is_some() && automation.is_some() {
                // A page that is under way would be decided by the old value.
                let polled = all!(
                    tx,
                    scalar IntegrationId,
                    "select integration_id from triggers
                     where automation_id = $1 and kind = $2 and deleted_at is null
                        and integration_id is not null",
                    id,
                    TriggerKind::Polling,
                )?;
                regroup_all(tx, polled, now).await?;
            }
            Ok(automation)
        })
        .await
    }

    /// Deletes an automation and its triggers, with their secrets; false if the organization
    /// has no such automation. Its events and runs stay, and ticks that were due are fired,
    /// in transactions of their own if there are many.
    pub async fn delete_automation(
        &self,
        org: &OrgId,
        id: AutomationId,
        limits: FiringLimits,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        loop {
            let (found, fired) = self
                .write(async |tx| delete(tx, org, id, limits, now).await)
                .await?;
            fired.measure();
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }
}

/// Deletes an automation, and says whether it was there; or fires only, if more is due than
/// one transaction may have. As many statements for ten thousand triggers as for one.
async fn delete(
    tx: &mut Tx<'_>,
    org: &OrgId,
    id: AutomationId,
    limits: FiringLimits,
    now: Timestamp,
) -> Result<(Option<bool>, Fired), StoreError> {
    if optional!(tx, scalar i32, HOLD, org, id)?.is_none() {
        return Ok((Some(false), Fired::default()));
    }
    // A schedule is locked before the triggers that follow it, as everywhere.
    all!(tx, scalar i32, HOLD_SCHEDULES, org, id)?;
    let max = i64::try_from(limits.events_max).unwrap_or(i64::MAX);
    let due = all!(tx, scalar TriggerId, DUE, org, id, now, max)?;
    let fired = ticks::fire(tx, &due, now, limits).await?;
    if fired.is_cut {
        return Ok((None, fired));
    }
    for sql in [DELETE, DELETE_SCHEDULES] {
        exec!(tx, sql, org, id, now)?;
    }
    let triggers = all!(
        tx,
        (TriggerId, TriggerKind, Option<IntegrationId>),
        "update triggers set deleted_at = $3, due_at = null, due_since = null, manual_of = null
         where org_id = $1 and automation_id = $2 and deleted_at is null
         returning id, kind, integration_id",
        org,
        id,
        now,
    )?;
    let polled = triggers
        .iter()
        .filter(|(_, kind, _)| *kind == TriggerKind::Polling);
    regroup_all(tx, polled.filter_map(|(.., id)| *id).collect(), now).await?;
    secrets::remove_of_automation(tx, id, now).await?;
    let triggers: Vec<Uuid> = triggers.iter().map(|(id, ..)| id.0).collect();
    routes::changed(tx, &triggers).await?;
    Ok((Some(true), fired))
}

/// Inserts an automation.
pub(super) async fn insert(
    tx: &mut Tx<'_>,
    org: &OrgId,
    automation: &Automation,
) -> Result<(), StoreError> {
    insert!(tx, "automations" {
        id: automation.id,
        org_id: org,
        name: automation.name.as_str(),
        enabled: automation.enabled,
        created_at: automation.created_at,
        updated_at: automation.updated_at,
    })?;
    Ok(())
}
