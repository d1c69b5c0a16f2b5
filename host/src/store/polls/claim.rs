//! A worker claims a poll group that is due. The epoch is the fence of everything that it
//! writes later; a claim that has lapsed writes nothing, even if no other worker has taken
//! the group over.

use crate::domain::integration::IntegrationStatus;
use crate::domain::resource::{ActiveTrigger, TriggerKind};
use crate::domain::{IntegrationId, OrgId, PollGroupId, Timestamp};
use crate::store::db::{ByEngine, all, exec, locked, optional, row, update};
use crate::store::{Store, StoreError};
use std::time::Duration;

/// The error of a group whose worker never came back.
const UNFINISHED: &str = "a worker did not finish the poll";

/// A group that a worker has claimed.
#[derive(Clone, Debug)]
pub struct ClaimedPoll {
    /// The group.
    pub group: PollGroupId,
    /// The claim's fence.
    pub epoch: i64,
    /// Its organization.
    pub org: OrgId,
    /// The provider that polls.
    pub provider: String,
    /// The integration whose account is polled.
    pub integration: IntegrationId,
}

/// The work for a claimed group, as it is now.
#[derive(Clone, Debug)]
pub struct PollWork {
    /// The cursor of the last committed page.
    pub cursor: Option<String>,
    /// The time when it was committed; of the group's creation, if there is none.
    pub cursor_since: Timestamp,
    /// The number of changes of the group's triggers: a page is settled for the triggers that
    /// it was asked for, or not at all.
    pub changes: i64,
    /// Polls that failed in a row before this one.
    pub failures: i32,
    /// Rounds of pages in a row after which pages were left.
    pub rounds: i32,
    /// The group's active triggers.
    pub triggers: Vec<ActiveTrigger>,
}

row!(ClaimedPoll {
    group = "id", epoch, org = "org_id", provider, integration = "integration_id",
});

#[derive(sqlx_macros::FromRow)]
struct WorkRow {
    cursor: Option<String>,
    cursor_since: Timestamp,
    changes: i64,
    failures: i32,
    rounds: i32,
}

/// A group that is due and free.
#[derive(Clone, Debug)]
pub struct DuePoll {
    /// The group.
    pub group: PollGroupId,
    /// Its organization.
    pub org: OrgId,
}

row!(DuePoll {
    group = "id",
    org = "org_id"
});

/// A claim that has lapsed.
#[derive(sqlx_macros::FromRow)]
struct Lapsed {
    failures: i32,
}

// The first lapse is like a restart: the group is polled at once. From the second one on,
// the poll itself may be what kills its workers.
const LAPSED_AGAIN: ByEngine = locked!(
    "select failures from poll_groups
     where id = $1 and due_at <= $2 and lease_until <= $2 and failures > 0",
    "for update skip locked"
);

impl Store {
    /// Up to `max` groups that are due and free. Organizations take turns: their longest
    /// waiting groups first, then the next ones.
    pub async fn due_polls(&self, now: Timestamp, max: u32) -> Result<Vec<DuePoll>, StoreError> {
        const SQL: &str = "select id, org_id from (
                select id, org_id, due_at,
                    row_number() over (partition by org_id order by due_at, id) as place
                from poll_groups
                where due_at <= $1 and (lease_until is null or lease_until <= $1)) as due
             order by place, due_at limit $2";
        self.read(async |tx| all!(tx, DuePoll, SQL, now, i64::from(max)))
            .await
    }

    /// The time when the next free group is due. Lapsed leases are found by polling.
    pub async fn next_poll_due(&self) -> Result<Option<Timestamp>, StoreError> {
        const SQL: &str = "select due_at from poll_groups
             where due_at is not null and lease_until is null order by due_at limit 1";
        self.read(async |tx| optional!(tx, scalar Timestamp, SQL))
            .await
    }

    /// Claims a group until `now + lease`; none if it is not due, or another worker has it.
    /// A claim whose worker never came back counts as a failure; from the second failure in
    /// a row on, the group is put off by what `retry` says after so many failures.
    pub async fn claim_poll(
        &self,
        group: PollGroupId,
        now: Timestamp,
        lease: Duration,
        retry: impl Fn(i32) -> Duration,
    ) -> Result<Option<ClaimedPoll>, StoreError> {
        const SQL: &str = "update poll_groups set epoch = epoch + 1, lease_until = $3, due_at = $3,
                started_at = $2,
                failures = failures + case when lease_until is null then 0 else 1 end,
                error = case when lease_until is null then error else $4 end,
                error_at = case when lease_until is null then error_at else $2 end
             where id = $1 and due_at <= $2
                and (lease_until is null or lease_until <= $2 and failures = 0)
             returning id, epoch, org_id, provider, integration_id";
        let until = now + lease;
        let claimed = self
            .write_once(async |tx| optional!(tx, ClaimedPoll, SQL, group, now, until, UNFINISHED))
            .await?;
        if claimed.is_none() {
            self.put_off_poll(group, now, retry).await?;
        }
        Ok(claimed)
    }

    /// Puts a group off whose claims lapsed again and again.
    async fn put_off_poll(
        &self,
        group: PollGroupId,
        now: Timestamp,
        retry: impl Fn(i32) -> Duration,
    ) -> Result<(), StoreError> {
        self.write(async |tx| {
            let lapsed = optional!(tx, Lapsed, LAPSED_AGAIN, group, now)?;
            let Some(Lapsed { failures }) = lapsed else {
                return Ok(());
            };
            let failures = failures.saturating_add(1);
            update!(tx, "poll_groups" set {
                lease_until: None::<Timestamp>,
                due_at: now + retry(failures),
                failures: failures,
                error: UNFINISHED,
                error_at: now,
            } where { id: group })?;
            Ok(())
        })
        .await
    }

    /// The work for a claimed group; none if the claim no longer holds, or the integration
    /// no longer works.
    pub async fn poll_work(
        &self,
        claim: &ClaimedPoll,
        now: Timestamp,
    ) -> Result<Option<PollWork>, StoreError> {
        self.read(async |tx| {
            let work = optional!(
                tx,
                WorkRow,
                "select g.cursor, coalesce(g.cursor_at, g.created_at) as cursor_since, g.changes,
                    g.failures, g.rounds
                 from poll_groups g join integrations i on i.id = g.integration_id
                 where g.id = $1 and g.epoch = $2 and g.lease_until > $3 and g.due_at is not null
                    and i.status = $4 and i.deleted_at is null",
                claim.group,
                claim.epoch,
                now,
                IntegrationStatus::Active,
            )?;
            // Read before the triggers, so that a change in between is noticed.
            let Some(work) = work else { return Ok(None) };
            let triggers = all!(
                tx,
                ActiveTrigger,
                "select t.id, t.org_id, t.automation_id, a.enabled as automation_enabled,
                    $3 as integration_status, false as is_held, t.config
                 from triggers t join automations a on a.id = t.automation_id
                 where t.integration_id = $1 and t.kind = $2 and t.enabled
                    and t.deleted_at is null and a.deleted_at is null
                 order by t.id",
                claim.integration,
                TriggerKind::Polling,
                IntegrationStatus::Active,
            )?;
            Ok(Some(PollWork {
                cursor: work.cursor,
                cursor_since: work.cursor_since,
                changes: work.changes,
                failures: work.failures,
                rounds: work.rounds,
                triggers,
            }))
        })
        .await
    }

    /// Extends a claim; false if it no longer holds.
    pub async fn renew_poll(
        &self,
        claim: &ClaimedPoll,
        now: Timestamp,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        // A due time that was set meanwhile is kept: it is that of the next poll.
        const SQL: &str = "update poll_groups set lease_until = $3,
                due_at = case when due_at = lease_until then $3 else due_at end
             where id = $1 and epoch = $2 and lease_until > $4";
        let until = now + lease;
        let renewed = self
            .write_once(async |tx| exec!(tx, SQL, claim.group, claim.epoch, until, now))
            .await?;
        Ok(renewed == 1)
    }
}
