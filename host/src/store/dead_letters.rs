//! What people do about dead letters of the inbox.

use super::pool::write;
use super::{Store, StoreError};
use crate::domain::status::States;
use crate::domain::{DeliveryId, DeliveryStatus, IntegrationId, OrgId, Timestamp};

/// What a person may do about a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLetterChange {
    /// Try it again, with its attempts counted anew; nothing is left of what was
    /// said of the last one.
    Retry,
    /// Give it up.
    Discard,
}

impl DeadLetterChange {
    /// The number of claims is left alone: it is the fence against a worker that
    /// still holds one of them.
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

/// Which dead letters are retried together.
#[derive(Clone, Debug, Default)]
pub struct RetryFilter {
    /// Of this provider.
    pub provider: Option<String>,
    /// Of this integration.
    pub integration: Option<IntegrationId>,
    /// Received at this time or later.
    pub since: Option<Timestamp>,
}

impl Store {
    /// Retries or discards a dead letter. Returns the status in which it was
    /// found: the change was made if that status allows it.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn change_dead_letter(
        &self,
        org: &OrgId,
        id: DeliveryId,
        change: DeadLetterChange,
        now: Timestamp,
    ) -> Result<Option<DeliveryStatus>, StoreError> {
        let due_at = (change == DeadLetterChange::Retry).then_some(now.0);
        write!(self, tx => {
            let found: Option<String> =
                sqlx::query_scalar("select status from inbox where org_id = $1 and id = $2")
                    .bind(org.as_str())
                    .bind(id.0)
                    .fetch_optional(&mut **tx)
                    .await?;
            let Some(found) = found else { return Ok(None) };
            let found: DeliveryStatus =
                found.parse().map_err(|e| StoreError::unreadable("inbox", "status", e))?;
            if found == DeliveryStatus::Failed && found.may_become(change.target()) {
                // Once more with the status, in case somebody was faster.
                let done = sqlx::query(change.sql())
                .bind(org.as_str())
                .bind(id.0)
                .bind(found.as_str())
                .bind(change.target().as_str())
                .bind(due_at)
                .execute(&mut **tx)
                .await?;
                if done.rows_affected() == 0 {
                    return Ok(Some(change.target()));
                }
            }
            Ok::<_, StoreError>(Some(found))
        })
    }

    /// Retries up to `max` dead letters, oldest first; returns how many. Those that
    /// somebody else changes just now are left to them.
    ///
    /// # Errors
    /// If nothing was written.
    pub async fn retry_dead_letters(
        &self,
        org: &OrgId,
        filter: &RetryFilter,
        max: u32,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let lock = if self.is_embedded() {
            ""
        } else {
            " for update skip locked"
        };
        write!(self, tx => {
            let mut query = sqlx::QueryBuilder::new("update inbox set status = ");
            query.push_bind(DeliveryStatus::Pending.as_str());
            query.push(", due_at = ").push_bind(now.0);
            // As for a single one: see DeadLetterChange.
            query.push(
                ", attempts_before = attempt, outcome = null, error = null, processed_at = null
                 where id in (select id from inbox where org_id = ",
            );
            query.push_bind(org.as_str());
            query.push(" and status = ").push_bind(DeliveryStatus::Failed.as_str());
            if let Some(provider) = &filter.provider {
                query.push(" and provider = ").push_bind(provider.as_str());
            }
            if let Some(integration) = filter.integration {
                query.push(" and integration_id = ").push_bind(integration.0);
            }
            if let Some(since) = filter.since {
                query.push(" and received_at >= ").push_bind(since.0);
            }
            query.push(" order by id limit ").push_bind(i64::from(max));
            query.push(lock).push(")");
            let done = query.build().execute(&mut **tx).await?;
            Ok::<_, StoreError>(done.rows_affected())
        })
    }
}
