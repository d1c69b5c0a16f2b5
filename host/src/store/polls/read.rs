//! Poll groups as people see them, and what they may ask of one.

use crate::domain::poll_group::{PollGroup, PollGroupState};
use crate::domain::resource::TriggerKind;
use crate::domain::{IntegrationId, OrgId, PollGroupId, Timestamp};
use crate::store::pool::{read, write};
use crate::store::{Page, PageRequest, Store, StoreError};
use uuid::Uuid;

/// What came of asking for a poll.
#[derive(Clone, Debug)]
pub enum PollAsked {
    /// The group, which is due now, or as soon as its service may be asked again.
    Asked(Box<PollGroup>),
    /// Nothing of it is polled.
    Paused,
    /// There is no such group in this organization.
    NotFound,
}

#[derive(sqlx::FromRow)]
struct GroupRow {
    id: Uuid,
    provider: String,
    integration_id: Uuid,
    integration_status: String,
    triggers: i64,
    due_at: Option<i64>,
    lease_until: Option<i64>,
    pause_until: Option<i64>,
    cursor_at: Option<i64>,
    started_at: Option<i64>,
    polled_at: Option<i64>,
    failures: i32,
    error: Option<String>,
    error_at: Option<i64>,
    created_at: i64,
}

impl GroupRow {
    fn group(self, now: Timestamp) -> Result<PollGroup, StoreError> {
        let status = self.integration_status.parse();
        let is_leased = self.lease_until.is_some_and(|until| until > now.0);
        let time = |at: Option<i64>| at.map(Timestamp);
        Ok(PollGroup {
            id: PollGroupId(self.id),
            provider: self.provider,
            integration_id: IntegrationId(self.integration_id),
            integration_status: status
                .map_err(|error| StoreError::unreadable("integrations", "status", error))?,
            triggers: self.triggers,
            state: match (is_leased, self.due_at) {
                (true, _) => PollGroupState::Polling,
                (false, Some(_)) => PollGroupState::Waiting,
                (false, None) => PollGroupState::Paused,
            },
            next_due_at: time(
                self.due_at
                    .filter(|due| !is_leased || Some(*due) < self.lease_until),
            ),
            rate_limited_until: time(self.pause_until).filter(|until| *until > now),
            cursor_at: time(self.cursor_at),
            cursor_age_seconds: self.cursor_at.map(|at| (now.0 - at).max(0) / 1_000_000),
            started_at: time(self.started_at),
            polled_at: time(self.polled_at),
            failures: self.failures,
            last_error: self.error,
            last_error_at: time(self.error_at),
            created_at: Timestamp(self.created_at),
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select g.id, g.provider, g.integration_id, i.status as integration_status,
                (select count(*) from triggers t where t.integration_id = g.integration_id
                    and t.kind = $2 and t.deleted_at is null) as triggers,
                g.due_at, g.lease_until, g.pause_until, g.cursor_at, g.started_at, g.polled_at,
                g.failures, g.error, g.error_at, g.created_at
             from poll_groups g join integrations i on i.id = g.integration_id
             where g.org_id = $1 ",
            $rest
        )
    };
}

impl Store {
    /// An organization's poll groups.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn list_poll_groups(
        &self,
        org: &OrgId,
        page: PageRequest,
        now: Timestamp,
    ) -> Result<Page<PollGroup>, StoreError> {
        let rows: Vec<GroupRow> = read!(self, pool => {
            sqlx::query_as(select!("and g.id < $3 order by g.id desc limit $4"))
                .bind(org.as_str())
                .bind(TriggerKind::Polling.as_str())
                .bind(page.before())
                .bind(page.fetch())
                .fetch_all(pool)
                .await?
        });
        let groups: Result<Vec<_>, _> = rows.into_iter().map(|row| row.group(now)).collect();
        Ok(page.page(groups?, |group: &PollGroup| group.id.0))
    }

    /// One poll group.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn poll_group(
        &self,
        org: &OrgId,
        id: PollGroupId,
        now: Timestamp,
    ) -> Result<Option<PollGroup>, StoreError> {
        let row: Option<GroupRow> = read!(self, pool => {
            sqlx::query_as(select!("and g.id = $3"))
                .bind(org.as_str())
                .bind(TriggerKind::Polling.as_str())
                .bind(id.0)
                .fetch_optional(pool)
                .await?
        });
        row.map(|row| row.group(now)).transpose()
    }

    /// Makes a group due at once, or as soon as its service may be asked again; while a
    /// worker polls, right after that. `forget_cursor` lets it begin anew: its next poll
    /// is a first one, whatever a worker finds meanwhile.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn poll_now(
        &self,
        org: &OrgId,
        id: PollGroupId,
        forget_cursor: bool,
        now: Timestamp,
    ) -> Result<PollAsked, StoreError> {
        let asked = write!(self, tx => {
            // A new epoch shuts out the worker that still has the old cursor.
            let done = sqlx::query(
                "update poll_groups set
                    due_at = case when pause_until > $3 then pause_until else $3 end,
                    epoch = epoch + case when $4 then 1 else 0 end,
                    lease_until = case when $4 then null else lease_until end,
                    cursor = case when $4 then null else cursor end,
                    cursor_at = case when $4 then null else cursor_at end
                 where org_id = $1 and id = $2 and due_at is not null",
            )
            .bind(org.as_str())
            .bind(id.0)
            .bind(now.0)
            .bind(forget_cursor)
            .execute(&mut **tx)
            .await?;
            Ok::<_, StoreError>(done.rows_affected() == 1)
        })?;
        Ok(match (self.poll_group(org, id, now).await?, asked) {
            (None, _) => PollAsked::NotFound,
            (Some(_), false) => PollAsked::Paused,
            (Some(group), true) => PollAsked::Asked(group.into()),
        })
    }
}
