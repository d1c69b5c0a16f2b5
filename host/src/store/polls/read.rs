//! Poll groups as people see them, and the poll that a person asks for.

use crate::domain::integration::IntegrationStatus;
use crate::domain::poll_group::{PollGroup, PollGroupState};
use crate::domain::resource::TriggerKind;
use crate::domain::{IntegrationId, OrgId, PollGroupId, Timestamp};
use crate::signals::Signal;
use crate::store::db::{all, exec, optional};
use crate::store::{Page, PageRequest, Store, StoreError};
use constcat::concat;

/// The result of asking for a poll.
#[derive(Clone, Debug)]
pub enum PollAsked {
    /// The group, which is due now, or as soon as its service may be polled again.
    Asked(Box<PollGroup>),
    /// The group is paused.
    Paused,
    /// The organization has no such group.
    NotFound,
}

#[derive(sqlx_macros::FromRow)]
struct GroupRow {
    id: PollGroupId,
    provider: String,
    integration_id: IntegrationId,
    integration_status: IntegrationStatus,
    triggers: i64,
    due_at: Option<Timestamp>,
    lease_until: Option<Timestamp>,
    pause_until: Option<Timestamp>,
    cursor_at: Option<Timestamp>,
    started_at: Option<Timestamp>,
    polled_at: Option<Timestamp>,
    failures: i32,
    error: Option<String>,
    error_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl GroupRow {
    fn group(self, now: Timestamp) -> PollGroup {
        let is_leased = self.lease_until.is_some_and(|until| until > now);
        let next_due_at = self
            .due_at
            .filter(|due| !is_leased || Some(*due) < self.lease_until);
        PollGroup {
            id: self.id,
            provider: self.provider,
            integration_id: self.integration_id,
            integration_status: self.integration_status,
            triggers: self.triggers,
            state: match (is_leased, self.due_at) {
                (true, _) => PollGroupState::Polling,
                (false, Some(_)) => PollGroupState::Waiting,
                (false, None) => PollGroupState::Paused,
            },
            next_due_at,
            rate_limited_until: self.pause_until.filter(|until| *until > now),
            cursor_at: self.cursor_at,
            cursor_age_seconds: self
                .cursor_at
                .map(|at| now.micros_since(at).max(0) / 1_000_000),
            started_at: self.started_at,
            polled_at: self.polled_at,
            failures: self.failures,
            last_error: self.error,
            last_error_at: self.error_at,
            created_at: self.created_at,
        }
    }
}

const OF_ORG: &str = "select g.id, g.provider, g.integration_id, i.status as integration_status,
        (select count(*) from triggers t where t.integration_id = g.integration_id
            and t.kind = $2 and t.deleted_at is null) as triggers,
        g.due_at, g.lease_until, g.pause_until, g.cursor_at, g.started_at, g.polled_at,
        g.failures, g.error, g.error_at, g.created_at
     from poll_groups g join integrations i on i.id = g.integration_id
     where g.org_id = $1 ";
const PAGE: &str = concat!(OF_ORG, "and g.id < $3 order by g.id desc limit $4");
const ONE: &str = concat!(OF_ORG, "and g.id = $3");

impl Store {
    /// An organization's poll groups.
    pub async fn list_poll_groups(
        &self,
        org: &OrgId,
        page: PageRequest,
        now: Timestamp,
    ) -> Result<Page<PollGroup>, StoreError> {
        let kind = TriggerKind::Polling;
        let rows = self
            .read(async |tx| all!(tx, GroupRow, PAGE, org, kind, page.before(), page.fetch()))
            .await?;
        let groups = rows.into_iter().map(|row| row.group(now)).collect();
        Ok(page.page(groups, |group: &PollGroup| group.id.0))
    }

    /// One poll group.
    pub async fn poll_group(
        &self,
        org: &OrgId,
        id: PollGroupId,
        now: Timestamp,
    ) -> Result<Option<PollGroup>, StoreError> {
        let row = self
            .read(async |tx| optional!(tx, GroupRow, ONE, org, TriggerKind::Polling, id))
            .await?;
        Ok(row.map(|row| row.group(now)))
    }

    /// Makes a group due at once, or as soon as its service may be polled again; while a
    /// worker polls, right after that. With `forget_cursor` its next poll is a first one,
    /// whatever a worker finds meanwhile.
    pub async fn poll_now(
        &self,
        org: &OrgId,
        id: PollGroupId,
        forget_cursor: bool,
        now: Timestamp,
    ) -> Result<PollAsked, StoreError> {
        // A new epoch shuts out the worker that still has the old cursor.
        const SQL: &str = "update poll_groups set
                due_at = case when pause_until > $3 then pause_until else $3 end,
                epoch = epoch + case when $4 then 1 else 0 end,
                lease_until = case when $4 then null else lease_until end,
                cursor = case when $4 then null else cursor end,
                cursor_at = case when $4 then null else cursor_at end
             where org_id = $1 and id = $2 and due_at is not null";
        let asked = self
            .write_once(async |tx| {
                tx.concerns(Signal::Polls);
                exec!(tx, SQL, org, id, now, forget_cursor)
            })
            .await?;
        Ok(match (self.poll_group(org, id, now).await?, asked) {
            (None, _) => PollAsked::NotFound,
            (Some(_), 0) => PollAsked::Paused,
            (Some(group), _) => PollAsked::Asked(group.into()),
        })
    }
}
