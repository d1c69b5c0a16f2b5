//! Triggers and integrations on hold: their deliveries are stored and wait for a person.

use super::decide::{DeliveryChange, apply};
use crate::domain::{DeliveryId, DeliveryStatus, Lane, OrgId, Timestamp, TriggerId};
use crate::store::db::{Query, Tx, all, optional};
use crate::store::{RouteSubject, Store, StoreError};
use std::collections::HashMap;

/// The fate of deliveries that were held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldChange {
    /// They are processed, in the order of receipt.
    Process,
    /// They are discarded.
    Discard,
}

/// The result of resuming.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Deliveries that were held for this trigger or integration, and no longer are.
    pub deliveries: u64,
    /// True if the call reached its limit, so that more may be held.
    pub more: bool,
}

impl RouteSubject {
    const fn hold_sql(self) -> &'static str {
        match self {
            Self::Trigger(_) => {
                "update triggers set held_at = coalesce(held_at, $3)
                 where org_id = $1 and id = $2 and deleted_at is null returning held_at"
            }
            Self::Integration(_) => {
                "update integrations set held_at = coalesce(held_at, $3)
                 where org_id = $1 and id = $2 and deleted_at is null returning held_at"
            }
        }
    }

    const fn resume_sql(self) -> &'static str {
        match self {
            Self::Trigger(_) => {
                "update triggers set held_at = null
                 where org_id = $1 and id = $2 and deleted_at is null returning id"
            }
            Self::Integration(_) => {
                "update integrations set held_at = null
                 where org_id = $1 and id = $2 and deleted_at is null returning id"
            }
        }
    }

    fn uuid(self) -> uuid::Uuid {
        match self {
            Self::Trigger(id) => id.0,
            Self::Integration(id) => id.0,
        }
    }
}

impl Store {
    /// Puts a trigger or an integration on hold; the time since which it is. None if the
    /// organization has no such one.
    pub async fn hold(
        &self,
        org: &OrgId,
        subject: RouteSubject,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let (sql, id) = (subject.hold_sql(), subject.uuid());
        self.write(async |tx| optional!(tx, scalar Timestamp, sql, org, id, now))
            .await
    }

    /// Ends a hold, and changes up to `max` of its deliveries, oldest first. None if the
    /// organization has no such trigger or integration.
    pub async fn resume(
        &self,
        org: &OrgId,
        subject: RouteSubject,
        held: HeldChange,
        max: u32,
        now: Timestamp,
    ) -> Result<Option<Resumed>, StoreError> {
        let (sql, id) = (subject.resume_sql(), subject.uuid());
        self.write(async |tx| {
            let found = optional!(tx, scalar uuid::Uuid, sql, org, id)?;
            if found.is_none() {
                return Ok(None);
            }
            let ids = held_for(tx, org, subject, max).await?;
            match (held, subject) {
                (HeldChange::Process, _) => {
                    let (status, change) = (DeliveryStatus::Held, DeliveryChange::Retry);
                    apply(tx, Lane::of_org(org), status, change, &ids, now).await?;
                }
                (HeldChange::Discard, RouteSubject::Trigger(trigger)) => {
                    forget(tx, &format!("\"{trigger}\""), &ids).await?;
                    let alone = waiting_for_nobody(tx, &ids).await?;
                    let (status, change) = (DeliveryStatus::Held, DeliveryChange::Discard);
                    apply(tx, Lane::of_org(org), status, change, &alone, now).await?;
                }
                (HeldChange::Discard, RouteSubject::Integration(_)) => {
                    let (status, change) = (DeliveryStatus::Held, DeliveryChange::Discard);
                    apply(tx, Lane::of_org(org), status, change, &ids, now).await?;
                }
            }
            Ok(Some(Resumed {
                deliveries: ids.len() as u64,
                more: ids.len() as u64 == u64::from(max),
            }))
        })
        .await
    }
}

/// Held deliveries that wait for the same triggers.
#[derive(sqlx_macros::FromRow)]
struct HeldGroup {
    trigger_id: Option<TriggerId>,
    only_triggers: Option<String>,
    deliveries: i64,
}

impl Store {
    /// The number of held deliveries of each trigger that is on hold itself.
    pub async fn held_counts(&self, org: &OrgId) -> Result<HashMap<TriggerId, i64>, StoreError> {
        const SQL: &str = "select trigger_id, only_triggers, count(*) as deliveries
            from inbox_queue where org_id = $1 and status = $2 and due_at is not null
            group by trigger_id, only_triggers";
        let groups = self
            .read(async |tx| all!(tx, HeldGroup, SQL, org, DeliveryStatus::Held))
            .await?;
        let mut counts = HashMap::new();
        for group in groups {
            let listed = group.only_triggers.as_deref().map(serde_json::from_str);
            let listed: Option<Vec<TriggerId>> = listed
                .transpose()
                .map_err(|error| StoreError::unreadable("inbox_queue", "only_triggers", error))?;
            for trigger in listed.unwrap_or_else(|| group.trigger_id.into_iter().collect()) {
                *counts.entry(trigger).or_default() += group.deliveries;
            }
        }
        Ok(counts)
    }
}

/// The deliveries that are held for a trigger or an integration, oldest first.
async fn held_for(
    tx: &mut Tx<'_>,
    org: &OrgId,
    subject: RouteSubject,
    max: u32,
) -> Result<Vec<DeliveryId>, StoreError> {
    let held =
        Query::new("select q.id from inbox_queue q where q.due_at is not null and q.org_id = ")
            .bind(org)
            .and("q.status =", Some(DeliveryStatus::Held.as_str()));
    let held = match subject {
        RouteSubject::Trigger(trigger) => held
            .push(" and (q.trigger_id = ")
            .bind(trigger)
            .push(" or q.only_triggers like ")
            .bind(&format!("%\"{trigger}\"%"))
            .push(")"),
        RouteSubject::Integration(integration) => held.and("q.integration_id =", Some(integration)),
    };
    let held = held.push(" order by q.id limit ").bind(i64::from(max));
    let held = match tx {
        Tx::Postgres(_) => held.push(" for update of q"),
        Tx::Sqlite(_) => held,
    };
    let ids: Vec<(DeliveryId,)> = held.all(tx).await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

/// Takes a trigger, quoted as in JSON, from the lists of those that deliveries wait for.
async fn forget(tx: &mut Tx<'_>, trigger: &str, ids: &[DeliveryId]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let forget = Query::new(
        "update inbox_queue set only_triggers =
            replace(replace(replace(only_triggers, ",
    )
    .bind(&format!("{trigger},"))
    .push(", ''), ")
    .bind(&format!(",{trigger}"))
    .push(", ''), ")
    .bind(trigger)
    .push(", '') where id")
    .one_of(ids.iter().copied());
    forget.exec(tx).await?;
    Ok(())
}

/// Those of the deliveries that wait for no other trigger.
async fn waiting_for_nobody(
    tx: &mut Tx<'_>,
    ids: &[DeliveryId],
) -> Result<Vec<DeliveryId>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let alone = Query::new(
        "select id from inbox_queue where (only_triggers is null or only_triggers = '[]') and id",
    )
    .one_of(ids.iter().copied());
    let alone: Vec<(DeliveryId,)> = alone.all(tx).await?;
    Ok(alone.into_iter().map(|(id,)| id).collect())
}
