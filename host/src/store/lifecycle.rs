//! What a service says about a connection, an installation or a credential, applied to
//! the integration that it concerns.

use super::matching::org_id;
use super::polls::PollGroups as _;
use super::pool::write;
use super::{Store, StoreError};
use crate::domain::integration::{ConnectionNews, IntegrationStatus, StatusSetter};
use crate::domain::{IntegrationId, OrgId, Timestamp};
use uuid::Uuid;

/// Which integration a message concerns.
#[derive(Clone, Copy, Debug)]
pub enum LifecycleSubject<'a> {
    /// The one with this connection.
    Connection(&'a str),
    /// The one of a provider with this account.
    Account {
        /// The provider.
        provider: &'a str,
        /// The account.
        account: &'a str,
    },
}

/// What is said about it.
#[derive(Clone, Debug)]
pub struct LifecycleNews {
    /// What happened.
    pub lifecycle: ConnectionNews,
    /// For people.
    pub reason: Option<String>,
    /// When, after the service's own clock, if it says so: a message that is older
    /// than another one changes nothing.
    pub at: Option<Timestamp>,
    /// [`super::PackedDelivery::door_key`] of the delivery that brings it: one that is
    /// in the inbox already has been heard.
    pub door_key: Option<Uuid>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct LifecycleOutcome {
    /// The integration.
    pub integration: IntegrationId,
    /// Whose.
    pub org: OrgId,
    /// Its status now.
    pub status: IntegrationStatus,
    /// Whether that is another one than before.
    pub changed: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    org_id: String,
    status: String,
    status_set_by: String,
    service_heard_at: Option<i64>,
    is_repeated: bool,
}

enum Tried {
    Done(Option<LifecycleOutcome>),
    Overtaken,
}

impl Row {
    /// The status now and the one that follows, which may be the same.
    fn follow(
        &self,
        news: &LifecycleNews,
    ) -> Result<(IntegrationStatus, IntegrationStatus), StoreError> {
        let unreadable =
            |column| move |error| StoreError::unreadable("integrations", column, error);
        let status = self.status.parse().map_err(unreadable("status"))?;
        let set_by = self.status_set_by.parse();
        let set_by = set_by.map_err(unreadable("status_set_by"))?;
        Ok((
            status,
            news.lifecycle.follow(status, set_by).unwrap_or(status),
        ))
    }

    fn is_newer_than(&self, news: &LifecycleNews) -> bool {
        let at = news.at.map(|at| at.0);
        at.is_some_and(|at| self.service_heard_at.is_some_and(|heard| heard > at))
    }
}

impl Store {
    /// Applies a message; none if no integration is concerned.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn apply_lifecycle(
        &self,
        subject: LifecycleSubject<'_>,
        news: &LifecycleNews,
        now: Timestamp,
    ) -> Result<Option<LifecycleOutcome>, StoreError> {
        loop {
            match self.try_lifecycle(subject, news, now).await? {
                Tried::Done(outcome) => return Ok(outcome),
                // Whoever was faster has changed what follows.
                Tried::Overtaken => {}
            }
        }
    }

    async fn try_lifecycle(
        &self,
        subject: LifecycleSubject<'_>,
        news: &LifecycleNews,
        now: Timestamp,
    ) -> Result<Tried, StoreError> {
        let (connection, provider, account) = match subject {
            LifecycleSubject::Connection(connection) => (Some(connection), None, None),
            LifecycleSubject::Account { provider, account } => {
                (None, Some(provider), Some(account))
            }
        };
        write!(self, tx => {
            let row: Option<Row> = sqlx::query_as(
                "select id, org_id, status, status_set_by, service_heard_at,
                    exists (select 1 from inbox where door_key = $4) as is_repeated
                 from integrations
                 where deleted_at is null
                    and (connection_id = $1 or (provider = $2 and account = $3))",
            )
            .bind(connection)
            .bind(provider)
            .bind(account)
            .bind(news.door_key)
            .fetch_optional(&mut **tx)
            .await?;
            let Some(row) = row else { return Ok(Tried::Done(None)) };
            let (before, next) = row.follow(news)?;
            let outcome = |status| {
                Ok::<_, StoreError>(Tried::Done(Some(LifecycleOutcome {
                    integration: IntegrationId(row.id),
                    org: org_id("integrations", &row.org_id)?,
                    status,
                    changed: status != before,
                })))
            };
            if row.is_repeated || row.is_newer_than(news) {
                return outcome(before);
            }
            let changed = next != before;
            // Compared once more: somebody may have changed it since it was read.
            let done = sqlx::query(
                "update integrations set service_heard_at = coalesce($2, service_heard_at), status = $3,
                    status_reason = case when $4 then $5 else status_reason end,
                    status_set_by = case when $4 then $6 else status_set_by end,
                    updated_at = case when $4 then $7 else updated_at end
                 where id = $1 and deleted_at is null and status = $8 and status_set_by = $9
                    and coalesce(service_heard_at, 0) = $10",
            )
            .bind(row.id)
            .bind(news.at.map(|at| at.0))
            .bind(next.as_str())
            .bind(changed)
            .bind(news.reason.as_deref())
            .bind(StatusSetter::Service.as_str())
            .bind(now.0)
            .bind(&row.status)
            .bind(&row.status_set_by)
            .bind(row.service_heard_at.unwrap_or(0))
            .execute(&mut **tx)
            .await?;
            if done.rows_affected() == 0 {
                return Ok(Tried::Overtaken);
            }
            if changed {
                tx.regroup(row.id, false, now).await?;
            }
            outcome(next)
        })
    }
}
