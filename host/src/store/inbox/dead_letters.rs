//! People retry and discard the dead letters of the inbox.

use crate::domain::status::States;
use crate::domain::{DeliveryId, DeliveryStatus, IntegrationId, OrgId, Timestamp};
use crate::store::db::{Query, Tx, exec, optional};
use crate::store::{Store, StoreError};

/// A person's decision about a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLetterChange {
    /// Try it again, with its attempts counted from zero and without its last error.
    Retry,
    /// Give it up.
    Discard,
}

impl DeadLetterChange {
    /// The number of claims only rises: it is the fence against a worker that still holds
    /// one of them.
    const fn sql(self) -> &'static str {
        match self {
            Self::Retry => {
                "update inbox set status = $4, due_at = $5, attempts_before = attempt,
                    outcome = null, error = null, processed_at = null
                 where org_id = $1 and id = $2 and status = $3"
            }
            Self::Discard => {
                "update inbox set status = $4, due_at = $5
                 where org_id = $1 and id = $2 and status = $3"
            }
        }
    }

    fn target(self) -> DeliveryStatus {
        match self {
            Self::Retry => DeliveryStatus::Pending,
            Self::Discard => DeliveryStatus::Discarded,
        }
    }
}

/// The dead letters that a bulk call retries.
#[derive(Clone, Debug, Default)]
pub struct RetryFilter {
    /// Only this provider's.
    pub provider: Option<String>,
    /// Only this integration's.
    pub integration: Option<IntegrationId>,
    /// Received at this time or later.
    pub since: Option<Timestamp>,
}

impl Store {
    /// Retries or discards a dead letter. Returns the status in which it was found: the
    /// change was made if that status allows it.
    pub async fn change_dead_letter(
        &self,
        org: &OrgId,
        id: DeliveryId,
        change: DeadLetterChange,
        now: Timestamp,
    ) -> Result<Option<DeliveryStatus>, StoreError> {
        const FIND: &str = "select status from inbox where org_id = $1 and id = $2";
        let due_at = (change == DeadLetterChange::Retry).then_some(now);
        let target = change.target();
        self.write(async |tx| {
            let Some(found) = optional!(tx, scalar DeliveryStatus, FIND, org, id)? else {
                return Ok(None);
            };
            if found != DeliveryStatus::Failed || !found.may_become(target) {
                return Ok(Some(found));
            }
            // The status is compared again, in case another call was faster.
            let changed = exec!(tx, change.sql(), org, id, found, target, due_at)?;
            Ok(Some(if changed == 0 { target } else { found }))
        })
        .await
    }

    /// Retries up to `max` dead letters, oldest first; returns how many. It leaves out rows
    /// that another transaction changes right now.
    pub async fn retry_dead_letters(
        &self,
        org: &OrgId,
        filter: &RetryFilter,
        max: u32,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.write_once(async |tx| {
            // The same change as for a single one.
            let query = Query::new("update inbox set status = ")
                .bind(DeliveryStatus::Pending.as_str())
                .push(", due_at = ")
                .bind(now)
                .push(
                    ", attempts_before = attempt, outcome = null, error = null, processed_at = null
                     where id in (select id from inbox where org_id = ",
                )
                .bind(org)
                .and("status =", Some(DeliveryStatus::Failed.as_str()))
                .and("provider =", filter.provider.as_ref())
                .and("integration_id =", filter.integration)
                .and("received_at >=", filter.since)
                .push(" order by id limit ")
                .bind(i64::from(max));
            let query = match tx {
                Tx::Postgres(_) => query.push(" for update skip locked)"),
                Tx::Sqlite(_) => query.push(")"),
            };
            query.exec(tx).await
        })
        .await
    }
}
