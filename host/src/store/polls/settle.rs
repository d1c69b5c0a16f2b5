//! Settles a page of a poll in one transaction: events, runs, outbox messages and the
//! cursor. Fenced by the claim's epoch, by its lease, by the cursor that the page was asked
//! for with, and by the triggers that it was asked for.

use super::claim::{ClaimedPoll, PollWork};
use super::groups::demand;
use crate::domain::Timestamp;
use crate::domain::event::DecidedEvent;
use crate::domain::poll_group::{GroupTimes, next_poll};
use crate::measure;
use crate::signals::Signal;
use crate::store::credentials::needs_reauth;
use crate::store::db::{Tx, exec, optional};
use crate::store::events::draft::{self, Draft};
use crate::store::events::write::{self, in_write_order};
use crate::store::{Store, StoreError};
use std::time::Duration;
use uuid::Uuid;

/// A worker's decisions about a page.
#[derive(Clone, Copy, Debug)]
pub struct PollPageSettlement<'a> {
    /// The claim.
    pub claim: &'a ClaimedPoll,
    /// The work that the page was requested for.
    pub work: &'a PollWork,
    /// The cursor of the next page.
    pub cursor: &'a str,
    /// Events to write.
    pub events: &'a [DecidedEvent],
    /// The next step.
    pub after: AfterPage,
}

/// The next step after a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterPage {
    /// The same worker's next page; the claim is extended by this time.
    More(Duration),
    /// Another page, after other groups have had their turn.
    Again,
    /// No page before the group is due.
    Rest,
}

/// The result of settling a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSettled {
    /// It is written.
    Written(PollSettled),
    /// It was written before, and the answer was lost.
    Already,
    /// The group's triggers have changed. Nothing was written; the page must be requested
    /// again.
    Changed,
    /// The claim no longer holds. Nothing was written.
    Lost,
}

/// The rows that a page wrote.
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
    /// It failed and is retried.
    Retry {
        /// The time of the next try.
        at: Timestamp,
        /// The end of the pause that the service asked for, if it did.
        pause_until: Option<Timestamp>,
        /// The error, for people.
        error: String,
    },
    /// The service asked for a pause, which is no failure.
    RateLimited {
        /// The end of the pause.
        until: Timestamp,
        /// The error, for people.
        error: String,
    },
    /// The service refused the credential: polling stops until there is a new one.
    Unauthorized {
        /// The error, for people.
        error: String,
        /// The revision of the refused credential; none if the integration has none.
        revision: Option<Uuid>,
    },
    /// The poll did not begin.
    GiveBack {
        /// The time of the next try.
        at: Timestamp,
    },
}

#[derive(sqlx_macros::FromRow)]
struct HeldRow {
    epoch: i64,
    changes: i64,
    cursor: Option<String>,
    #[sqlx(flatten)]
    times: GroupTimes,
}

/// The permission to write a page.
enum Held {
    Yes(GroupTimes),
    No(PageSettled),
}

impl HeldRow {
    fn is_claimed(&self, claim: &ClaimedPoll, now: Timestamp) -> bool {
        let lease_until = self.times.lease_until;
        self.epoch == claim.epoch && lease_until.is_some_and(|until| until > now)
    }

    fn held(&self, page: &PollPageSettlement<'_>, now: Timestamp) -> Held {
        let begins_here = self.cursor == page.work.cursor;
        let ends_here = self.cursor.as_deref() == Some(page.cursor);
        let is_over = self.times.lease_until.is_none();
        let claimed = self.is_claimed(page.claim, now);
        match (claimed, begins_here) {
            (true, true) if self.changes == page.work.changes => Held::Yes(self.times),
            (true, true) => Held::No(PageSettled::Changed),
            (true, false) if ends_here => Held::No(PageSettled::Already),
            (false, _) if self.epoch == page.claim.epoch && is_over && ends_here => {
                Held::No(PageSettled::Already)
            }
            _ => Held::No(PageSettled::Lost),
        }
    }
}

/// Locks the group's row, and reads it.
async fn hold(tx: &mut Tx<'_>, claim: &ClaimedPoll) -> Result<Option<HeldRow>, StoreError> {
    optional!(
        tx,
        HeldRow,
        "update poll_groups set epoch = epoch where id = $1
         returning epoch, changes, cursor, due_at, lease_until, started_at, pause_until, failures",
        claim.group,
    )
}

impl Store {
    /// Settles a page.
    pub async fn settle_poll_page(
        &self,
        page: PollPageSettlement<'_>,
        now: Timestamp,
    ) -> Result<PageSettled, StoreError> {
        let claim = page.claim;
        let drafts = page
            .events
            .iter()
            .map(|event| Draft::new(None, event, None, now));
        let drafts = in_write_order(drafts.collect());
        let settle = async |tx: &mut Tx<'_>| {
            let Some(row) = hold(tx, claim).await? else {
                return Ok(Err(PageSettled::Lost));
            };
            let times = match row.held(&page, now) {
                Held::Yes(times) => times,
                Held::No(settled) => {
                    if settled == PageSettled::Already {
                        // The answer to its commit was lost, and its signals with it.
                        write::announce(tx, drafts.iter().filter(|draft| draft.run.is_some()));
                    }
                    return Ok(Err(settled));
                }
            };
            if page.after == AfterPage::Again {
                tx.concerns(Signal::Polls);
            }
            let written = write::write(tx, &drafts).await?;
            let runs = drafts
                .iter()
                .filter(|draft| draft.run.is_some() && written.contains(&draft.id.0));
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
                    let demand = demand(tx, claim.integration).await?;
                    let next = next_poll(&demand.timings, times.started_at.unwrap_or(now));
                    next.map(|next| times.sooner(next))
                }
            };
            exec!(
                tx,
                "update poll_groups set cursor = $2, cursor_at = $3, polled_at = $3, failures = 0,
                    error = null, error_at = null, pause_until = null, lease_until = $4, due_at = $5
                 where id = $1",
                claim.group,
                page.cursor,
                now,
                lease_until,
                due_at,
            )?;
            Ok(Ok((settled, written)))
        };
        let settled = self.write(settle).await?;
        Ok(match settled {
            Ok((settled, written)) => {
                draft::measure(&drafts, &written);
                measure::duplicates(settled.duplicates);
                PageSettled::Written(settled)
            }
            Err(not_written) => not_written,
        })
    }

    /// Notes the reason why a poll ended without a page, and ends its claim. False if the
    /// claim no longer held; then nothing is written.
    pub async fn fail_poll(
        &self,
        claim: &ClaimedPoll,
        failed: &PollDisposition,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(async |tx| {
            if matches!(failed, PollDisposition::Unauthorized { .. }) {
                // The integration is locked before its group, as everywhere.
                exec!(
                    tx,
                    "update integrations set updated_at = updated_at where id = $1",
                    claim.integration,
                )?;
            }
            let held = hold(tx, claim)
                .await?
                .filter(|row| row.is_claimed(claim, now));
            let Some(held) = held else {
                return Ok(false);
            };
            let times = held.times;
            if let PollDisposition::Unauthorized { error, revision } = failed {
                // A credential that replaced it meanwhile is tried at once.
                needs_reauth(tx, &claim.org, claim.integration, *revision, error, now).await?;
            }
            let demand = demand(tx, claim.integration).await?;
            let (at, pause_until, error, counts) = match failed {
                PollDisposition::Retry {
                    at,
                    pause_until,
                    error,
                } => (times.sooner(*at), *pause_until, Some(error), true),
                PollDisposition::RateLimited { until, error } => {
                    (*until, Some(*until), Some(error), false)
                }
                PollDisposition::Unauthorized { error, .. } => (now, None, Some(error), true),
                PollDisposition::GiveBack { at } => (times.sooner(*at), None, None, false),
            };
            let pause_until = pause_until.max(times.pause_until.filter(|until| *until > now));
            let at = pause_until.map_or(at, |until| until.max(at));
            let due_at = (!demand.timings.is_empty()).then_some(at);
            exec!(
                tx,
                "update poll_groups set lease_until = null, due_at = $2, pause_until = $3,
                    failures = failures + $4, error = coalesce($5, error),
                    error_at = case when $5 is null then error_at else $6 end
                 where id = $1",
                claim.group,
                due_at,
                pause_until,
                i32::from(counts),
                error,
                now,
            )?;
            Ok(true)
        })
        .await
    }
}
