//! T3': a page is settled in one transaction: events, runs, outbox messages and the
//! cursor. Fenced by the claim's epoch, by its lease, by the cursor that the page was
//! asked for with, and by the triggers that it was asked for.

use super::claim::{ClaimedPoll, PollWork};
use super::groups::{PollGroups as _, TimesRow};
use crate::domain::Timestamp;
use crate::domain::event::DecidedEvent;
use crate::domain::poll_group::{GroupTimes, next_poll};
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
    /// What the page was asked for with.
    pub work: &'a PollWork,
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

/// What came of settling a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSettled {
    /// It is written.
    Written(PollSettled),
    /// It was written before: the answer to that was lost.
    Already,
    /// The group's triggers are others by now. Nothing was written; the page is to be
    /// asked for again.
    Changed,
    /// The claim no longer holds. Nothing was written.
    Lost,
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
pub enum PollDisposition {
    /// It failed, and is tried again then.
    Retry {
        /// When.
        at: Timestamp,
        /// Until when the service wants to be left alone, if it said so.
        pause_until: Option<Timestamp>,
        /// For people.
        error: String,
    },
    /// The service wants to be left alone until then, which is no failure.
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

#[derive(sqlx::FromRow)]
struct HeldRow {
    epoch: i64,
    changes: i64,
    cursor: Option<String>,
    #[sqlx(flatten)]
    times: TimesRow,
}

/// Whether a page may be written.
enum Held {
    Yes(GroupTimes),
    No(PageSettled),
}

impl HeldRow {
    fn is_claimed(&self, claim: &ClaimedPoll, now: Timestamp) -> bool {
        let lease_until = self.times.times().lease_until;
        self.epoch == claim.epoch && lease_until.is_some_and(|until| until > now)
    }

    fn held(&self, page: &PollPageSettlement<'_>, now: Timestamp) -> Held {
        let begins_here = self.cursor == page.work.cursor;
        let ends_here = self.cursor.as_deref() == Some(page.cursor);
        let is_over = self.times.times().lease_until.is_none();
        let claimed = self.is_claimed(page.claim, now);
        match (claimed, begins_here) {
            (true, true) if self.changes == page.work.changes => Held::Yes(self.times.times()),
            (true, true) => Held::No(PageSettled::Changed),
            (true, false) if ends_here => Held::No(PageSettled::Already),
            (false, _) if self.epoch == page.claim.epoch && is_over && ends_here => {
                Held::No(PageSettled::Already)
            }
            _ => Held::No(PageSettled::Lost),
        }
    }
}

/// The group's row, which the transaction holds from now on.
macro_rules! hold {
    ($tx:ident, $claim:expr) => {{
        let row: Option<HeldRow> = sqlx::query_as(
            "update poll_groups set epoch = epoch where id = $1
             returning epoch, changes, cursor, due_at, lease_until, started_at, pause_until, failures",
        )
        .bind($claim.group.0)
        .fetch_optional(&mut **$tx)
        .await?;
        row
    }};
}

impl Store {
    /// Settles a page.
    ///
    /// # Errors
    /// If nothing was written.
    pub async fn settle_poll_page(
        &self,
        page: PollPageSettlement<'_>,
        now: Timestamp,
    ) -> Result<PageSettled, StoreError> {
        let claim = page.claim;
        let drafts = page
            .events
            .iter()
            .map(|event| Draft::new(None, event, None));
        let drafts = in_write_order(drafts.collect());
        let settled = write!(self, tx => {
            let Some(row) = hold!(tx, claim) else {
                return Ok(Err(PageSettled::Lost));
            };
            let times = match row.held(&page, now) {
                Held::Yes(times) => times,
                Held::No(settled) => return Ok(Err(settled)),
            };
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
                    let demand = tx.demand(claim.integration.0).await?;
                    let next = next_poll(&demand.timings, times.started_at.unwrap_or(now));
                    next.map(|next| times.sooner(next))
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
            Ok::<_, StoreError>(Ok((settled, written)))
        })?;
        Ok(match settled {
            Ok((settled, written)) => {
                measure_events(&drafts, &written);
                measure::duplicates(settled.duplicates);
                PageSettled::Written(settled)
            }
            Err(not_written) => not_written,
        })
    }

    /// Notes why a poll ended without a page, and ends its claim; false if that no
    /// longer held, and then nothing was written.
    ///
    /// # Errors
    /// If nothing was written.
    pub async fn fail_poll(
        &self,
        claim: &ClaimedPoll,
        failed: &PollDisposition,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        write!(self, tx => {
            if matches!(failed, PollDisposition::Unauthorized { .. }) {
                // Everybody locks the integration before its group.
                sqlx::query("update integrations set updated_at = updated_at where id = $1")
                    .bind(claim.integration.0)
                    .execute(&mut **tx)
                    .await?;
            }
            let held = hold!(tx, claim).filter(|row| row.is_claimed(claim, now));
            let Some(held) = held else {
                return Ok(false);
            };
            let times = held.times.times();
            if let PollDisposition::Unauthorized { error, revision } = failed {
                // If there is another credential by now, it is tried at once.
                let _ = needs_reauth!(tx, &claim.org, claim.integration, *revision, error, now);
            }
            let demand = tx.demand(claim.integration.0).await?;
            let (at, pause_until, error, counts) = match failed {
                PollDisposition::Retry { at, pause_until, error } => {
                    (times.sooner(*at), *pause_until, Some(error), true)
                }
                PollDisposition::RateLimited { until, error } => (*until, Some(*until), Some(error), false),
                PollDisposition::Unauthorized { error, .. } => (now, None, Some(error), true),
                PollDisposition::GiveBack { at } => (times.sooner(*at), None, None, false),
            };
            let pause_until = pause_until.max(times.pause_until.filter(|until| *until > now));
            let at = pause_until.map_or(at, |until| until.max(at));
            let due_at = (!demand.timings.is_empty()).then_some(at);
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
