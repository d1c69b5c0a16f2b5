//! News from a service about a connection, an installation or a credential, applied to the
//! integration that it concerns.

use super::connections;
use crate::domain::connection::ConnectionName;
use crate::domain::integration::{ConnectionNews, IntegrationStatus, StatusSetter};
use crate::domain::{IntegrationId, OrgId, Timestamp};
use crate::store::db::{exec, optional};
use crate::store::polls::regroup;
use crate::store::{Store, StoreError};
use uuid::Uuid;

/// The integration that a message concerns.
#[derive(Clone, Copy, Debug)]
pub enum LifecycleSubject<'a> {
    /// The one with this connection.
    Connection(&'a ConnectionName),
    /// The one of a provider with this account.
    Account {
        /// The provider.
        provider: &'a str,
        /// The account.
        account: &'a str,
    },
}

/// The news.
#[derive(Clone, Debug)]
pub struct LifecycleNews {
    /// The event.
    pub lifecycle: ConnectionNews,
    /// The service's reason, for people.
    pub reason: Option<String>,
    /// The time by the service's own clock, if it gives one: a message that is older than
    /// one before it changes nothing.
    pub at: Option<Timestamp>,
    /// The [digest](crate::store::PackedDelivery::digest) of its delivery: news of the same
    /// delivery is applied once.
    pub delivery_digest: Option<Uuid>,
}

/// The result.
#[derive(Clone, Debug)]
pub struct LifecycleOutcome {
    /// The integration.
    pub integration: IntegrationId,
    /// Its organization.
    pub org: OrgId,
    /// Its status now.
    pub status: IntegrationStatus,
    /// The status is another one than before.
    pub changed: bool,
}

#[derive(sqlx_macros::FromRow)]
struct Found {
    id: IntegrationId,
    org_id: OrgId,
    status: IntegrationStatus,
    status_set_by: StatusSetter,
    service_heard_at: Option<Timestamp>,
    is_repeated: bool,
}

impl LifecycleNews {
    /// The key by which it is known that the news was applied. Another one than that of the
    /// delivery, which the delivery gives up if it starts no run.
    fn key(&self) -> Option<Uuid> {
        const NEWS: u128 = 1;
        let digest = self.delivery_digest?;
        Some(Uuid::from_u128(digest.as_u128() ^ NEWS))
    }
}

enum Attempt {
    Done(Option<LifecycleOutcome>),
    /// Another transaction changed the integration meanwhile.
    Overtaken,
}

impl Found {
    fn heard_later_than(&self, news: &LifecycleNews) -> bool {
        news.at
            .is_some_and(|at| self.service_heard_at.is_some_and(|heard| heard > at))
    }
}

impl Store {
    /// Applies news; none if they concern no integration.
    pub async fn apply_lifecycle(
        &self,
        subject: LifecycleSubject<'_>,
        news: &LifecycleNews,
        now: Timestamp,
    ) -> Result<Option<LifecycleOutcome>, StoreError> {
        loop {
            if let Attempt::Done(outcome) = self.try_lifecycle(subject, news, now).await? {
                return Ok(outcome);
            }
        }
    }

    async fn try_lifecycle(
        &self,
        subject: LifecycleSubject<'_>,
        news: &LifecycleNews,
        now: Timestamp,
    ) -> Result<Attempt, StoreError> {
        let (connection, provider, account) = match subject {
            LifecycleSubject::Connection(connection) => (Some(connection), None, None),
            LifecycleSubject::Account { provider, account } => {
                (None, Some(provider), Some(account))
            }
        };
        self.write(async |tx| {
            let mut of_connection = None;
            if let Some(name) = connection {
                let found = connections::find(tx, std::slice::from_ref(name)).await?;
                connections::remember(tx, &found.notes).await?;
                of_connection = found.owners.get(name).copied();
            }
            let found = optional!(
                tx,
                Found,
                "select id, org_id, status, status_set_by, service_heard_at,
                    exists (select 1 from door_keys where key = $4) as is_repeated
                 from integrations
                 where deleted_at is null
                    and (id = $1 or (provider = $2 and account = $3))",
                of_connection,
                provider,
                account,
                news.key(),
            )?;
            let Some(found) = found else {
                return Ok(Attempt::Done(None));
            };
            let before = found.status;
            let outcome = |status| {
                Attempt::Done(Some(LifecycleOutcome {
                    integration: found.id,
                    org: found.org_id.clone(),
                    status,
                    changed: status != before,
                }))
            };
            if found.is_repeated || found.heard_later_than(news) {
                return Ok(outcome(before));
            }
            let next = news.lifecycle.follow(before, found.status_set_by);
            let next = next.unwrap_or(before);
            let changed = next != before;
            // Compared once more: another transaction may have changed it since.
            let updated = exec!(
                tx,
                "update integrations set service_heard_at = coalesce($2, service_heard_at), status = $3,
                    status_reason = case when $4 then $5 else status_reason end,
                    status_set_by = case when $4 then $6 else status_set_by end,
                    updated_at = case when $4 then $7 else updated_at end
                 where id = $1 and deleted_at is null and status = $8 and status_set_by = $9
                    and coalesce(service_heard_at, 0) = $10",
                found.id,
                news.at,
                next,
                changed,
                news.reason.as_deref(),
                StatusSetter::Service,
                now,
                before,
                found.status_set_by,
                found.service_heard_at.unwrap_or_default(),
            )?;
            if updated == 0 {
                return Ok(Attempt::Overtaken);
            }
            if changed {
                regroup(tx, found.id, false, now).await?;
            }
            if let Some(key) = news.key() {
                exec!(
                    tx,
                    "insert into door_keys (key, delivery_id, received_at) values ($1, $2, $3)
                     on conflict do nothing",
                    key,
                    found.id,
                    now,
                )?;
            }
            Ok(outcome(next))
        })
        .await
    }
}
