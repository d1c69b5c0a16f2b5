//! T3': a page is settled in one transaction: events, runs, outbox messages and the
//! cursor. Fenced by the claim's epoch, and by its lease: whoever comes back late
//! changes nothing.

use super::claim::ClaimedPoll;
use super::groups::{TimesRow, TimingRow};
use crate::domain::Timestamp;
use crate::domain::event::DecidedEvent;
use crate::domain::integration::IntegrationStatus;
use crate::domain::poll_group::next_poll;
use crate::domain::resource::TriggerKind;
use crate::measure;
use crate::store::credentials::needs_reauth;
use crate::store::pool::write;
use crate::store::settle::{Draft, WriteDrafts as _, in_write_order, measure_events};
use crate::store::{Store, StoreError};
use std::time::Duration;
use uuid::Uuid;

/// What a worker decided about a page.
#[derive(Clone, Copy, Debug)]
pub struct PollPageSettlement<'a> {
    /// The claim.
    pub claim: &'a ClaimedPoll,
    /// Where the next page begins.
    pub cursor: &'a str,
    /// Events to write.
    pub events: &'a [DecidedEvent],
    /// What follows.
    pub after: AfterPage,
}

/// What follows a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterPage {
    /// The same worker's next page: the claim holds for so long.
    More(Duration),
    /// Another page, but others have their turn first.
    Again,
    /// Nothing until the group's time has come.
    Rest,
}

/// What a page wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollSettled {
    /// Events written, skipped ones included.
    pub events: usize,
    /// Runs handed over.
    pub runs: usize,
    /// Events that their trigger had seen before.
    pub duplicates: usize,
}

/// Why a poll ended without a page. The cursor stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollFailed {
    /// It failed, and is tried again then.
    Retry {
        /// When.
        at: Timestamp,
        /// For people.
        error: String,
    },
    /// The service wants to be left alone until then.
    RateLimited {
        /// Until when.
        until: Timestamp,
        /// For people.
        error: String,
    },
    /// The credential was refused: nothing is asked until there is a new one.
    Unauthorized {
        /// For people.
        error: String,
        /// Of the credential that was refused; none if the integration has none.
        revision: Option<Uuid>,
    },
    /// Nothing was tried; somebody may try then.
    GiveBack {
        /// When.
        at: Timestamp,
    },
}

/// Holds the group for the rest of the transaction, if the claim still does; leaves
/// it with `$lost` otherwise.
macro_rules! hold {
    ($tx:ident, $claim:expr, $now:expr, $lost:expr) => {{
        let held: Option<TimesRow> = sqlx::query_as(
            "update poll_groups set epoch = epoch where id = $1 and epoch = $2 and lease_until > $3
             returning due_at, lease_until, started_at, pause_until, failures",
        )
        .bind($claim.group.0)
        .bind($claim.epoch)
        .bind($now.0)
        .fetch_optional(&mut **$tx)
        .await?;
        let Some(held) = held else { return Ok($lost) };
        held.times()
    }};
}

/// When the group wants to be polled, by the triggers that it has now; empty while it
/// is paused.
macro_rules! timings {
    ($tx:ident, $claim:expr) => {{
        let rows: Vec<TimingRow> = sqlx::query_as(
            "select t.enabled, t.poll_interval_seconds, t.cron, t.timezone
             from triggers t join automations a on a.id = t.automation_id
                join integrations i on i.id = t.integration_id
             where t.integration_id = $1 and t.kind = $2 and t.deleted_at is null
                and a.deleted_at is null and i.status = $3 and i.deleted_at is null",
        )
        .bind($claim.integration.0)
        .bind(TriggerKind::Polling.as_str())
        .bind(IntegrationStatus::Active.as_str())
        .fetch_all(&mut **$tx)
        .await?;
        TimingRow::timings(&rows)?
    }};
}

impl Store {
    /// Settles a page; none if the claim no longer held, and then nothing was written.
    ///
    /// # Errors
    /// If nothing was written.
    pub async fn settle_poll_page(
        &self,
        page: PollPageSettlement<'_>,
        now: Timestamp,
    ) -> Result<Option<PollSettled>, StoreError> {
        let claim = page.claim;
        let drafts = page
            .events
            .iter()
            .map(|event| Draft::new(None, event, None));
        let drafts = in_write_order(drafts.collect());
        let settled = write!(self, tx => {
            let times = hold!(tx, claim, now, None);
            let written = tx.write_drafts(&drafts, now).await?;
            let runs = drafts.iter().filter(|draft| draft.run.is_some() && written.contains(&draft.id.0));
            let settled = PollSettled {
                events: written.len(),
                runs: runs.count(),
                duplicates: drafts.len() - written.len(),
            };
            let lease_until = match page.after {
                AfterPage::More(lease) => Some(now + lease),
                AfterPage::Again | AfterPage::Rest => None,
            };
            let due_at = match page.after {
                AfterPage::More(lease) => times.due_while_leased(now + lease),
                AfterPage::Again => times.due_at.and(Some(now)),
                AfterPage::Rest => {
                    let timings = timings!(tx, claim);
                    let next = next_poll(&timings, times.started_at.unwrap_or(now));
                    next.map(|next| times.asked_for().map_or(next, |asked| asked.min(next)))
                }
            };
            sqlx::query(
                "update poll_groups set cursor = $2, cursor_at = $3, polled_at = $3, failures = 0,
                    error = null, error_at = null, pause_until = null, lease_until = $4, due_at = $5
                 where id = $1",
            )
            .bind(claim.group.0)
            .bind(page.cursor)
            .bind(now.0)
            .bind(lease_until.map(|at| at.0))
            .bind(due_at.map(|at| at.0))
            .execute(&mut **tx)
            .await?;
            Ok::<_, StoreError>(Some((settled, written)))
        })?;
        Ok(settled.map(|(settled, written)| {
            measure_events(&drafts, &written);
            measure::duplicates(settled.duplicates);
            settled
        }))
    }

    /// Notes why a poll ended without a page, and ends its claim; false if that no
    /// longer held, and then nothing was written.
    ///
    /// # Errors
    /// If nothing was written.
    pub async fn fail_poll(
        &self,
        claim: &ClaimedPoll,
        failed: &PollFailed,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        write!(self, tx => {
            if let PollFailed::Unauthorized { error, revision } = failed {
                let holds: Option<i32> = sqlx::query_scalar(
                    "select 1 from poll_groups where id = $1 and epoch = $2 and lease_until > $3",
                )
                .bind(claim.group.0)
                .bind(claim.epoch)
                .bind(now.0)
                .fetch_optional(&mut **tx)
                .await?;
                if holds.is_none() {
                    return Ok(false);
                }
                // Before the group is held: everybody locks the integration first. If
                // there is another credential by now, it is tried at once.
                let _ = needs_reauth!(tx, &claim.org, claim.integration, *revision, error, now);
            }
            let times = hold!(tx, claim, now, false);
            let timings = timings!(tx, claim);
            let (at, error, counts) = match failed {
                PollFailed::Retry { at, error } => (*at, Some(error), true),
                PollFailed::RateLimited { until, error } => (*until, Some(error), false),
                PollFailed::Unauthorized { error, .. } => (now, Some(error), true),
                PollFailed::GiveBack { at } => (*at, None, false),
            };
            let pause_until = match failed {
                PollFailed::RateLimited { until, .. } => Some(*until),
                _ => times.pause_until,
            };
            let due_at = (!timings.is_empty()).then_some(at);
            sqlx::query(
                "update poll_groups set lease_until = null, due_at = $2, pause_until = $3,
                    failures = failures + $4, error = coalesce($5, error),
                    error_at = case when $5 is null then error_at else $6 end
                 where id = $1",
            )
            .bind(claim.group.0)
            .bind(due_at.map(|at| at.0))
            .bind(pause_until.map(|at| at.0))
            .bind(i32::from(counts))
            .bind(error)
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
            Ok(true)
        })
    }
}
