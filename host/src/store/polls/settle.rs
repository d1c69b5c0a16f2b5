//! Settles a page of a poll: events, runs, outbox messages and the cursor, in one transaction,
//! or in several of which the last one moves the cursor. Fenced by the claim's epoch, by its lease, by the cursor that the page was asked
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
use crate::store::events::source::{Ids, Source};
use crate::store::events::write::{self, in_write_order};
use crate::store::{Store, StoreError};
use std::collections::HashSet;
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
    /// Its events.
    pub events: &'a [DecidedEvent],
    /// Events at the beginning that [parts](Store::settle_poll_part) have written.
    pub written: usize,
    /// The next step.
    pub after: AfterPage,
}

/// The next step after a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterPage {
    /// The same worker's next page; the claim is extended by this time.
    More(Duration),
    /// Another page, after other groups have had their turn and this pause is over.
    Again(Duration),
    /// Another page, after those who wait for a slot have had theirs.
    Yield,
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

impl PollPageSettlement<'_> {
    /// Its events; `is_part` if they are written in parts.
    fn source(&self, is_part: bool) -> Source<'_> {
        // After a failure, a page may be asked for again that was written in parts.
        let ids = (is_part || self.work.failures > 0).then(|| {
            let group = self.claim.group.0.as_bytes().as_slice();
            let cursor = self.work.cursor.as_deref().unwrap_or_default();
            Ids::of(self.work.cursor_since, [group, cursor.as_bytes()])
        });
        Source {
            delivery: None,
            attempt: None,
            trace: None,
            events: self.events,
            ids,
        }
    }

    /// Writes drafts of this page, if the claim allows it.
    async fn write(
        &self,
        tx: &mut Tx<'_>,
        drafts: &[Draft<'_>],
        now: Timestamp,
    ) -> Result<Result<(GroupTimes, HashSet<Uuid>), PageSettled>, StoreError> {
        let Some(row) = hold(tx, self.claim).await? else {
            return Ok(Err(PageSettled::Lost));
        };
        match row.held(self, now) {
            Held::Yes(times) => Ok(Ok((times, write::write(tx, drafts).await?))),
            Held::No(settled) => {
                if settled == PageSettled::Already {
                    // The answer to its commit was lost, and its signals with it.
                    write::announce(tx, drafts.iter().filter(|draft| draft.run.is_some()));
                }
                Ok(Err(settled))
            }
        }
    }
}

/// The result of a page or a part, measured.
fn settled(written: Result<HashSet<Uuid>, PageSettled>, drafts: &[Draft<'_>]) -> PageSettled {
    let written = match written {
        Ok(written) => written,
        Err(not_written) => return not_written,
    };
    draft::measure(drafts, &written);
    let duplicates = drafts.len() - written.len();
    measure::duplicates(duplicates);
    let runs = drafts
        .iter()
        .filter(|draft| draft.run.is_some() && written.contains(&draft.id.0));
    PageSettled::Written(PollSettled {
        events: written.len(),
        runs: runs.count(),
        duplicates,
    })
}

impl Store {
    /// Writes the events of a page up to `end` that are not written yet. The cursor stays:
    /// it moves with the last part, which [`Store::settle_poll_page`] writes.
    pub async fn settle_poll_part(
        &self,
        page: PollPageSettlement<'_>,
        end: usize,
        now: Timestamp,
    ) -> Result<PageSettled, StoreError> {
        let drafts = in_write_order(page.source(true).drafts(page.written..end, now));
        let written = self
            .write(async |tx| page.write(tx, &drafts, now).await)
            .await?;
        Ok(settled(written.map(|(_, written)| written), &drafts))
    }

    /// Settles a page: the events that parts have not written yet, and the cursor.
    pub async fn settle_poll_page(
        &self,
        page: PollPageSettlement<'_>,
        now: Timestamp,
    ) -> Result<PageSettled, StoreError> {
        let claim = page.claim;
        let source = page.source(page.written > 0);
        let drafts = in_write_order(source.drafts(page.written..page.events.len(), now));
        let settle = async |tx: &mut Tx<'_>| {
            let (times, written) = match page.write(tx, &drafts, now).await? {
                Ok(written) => written,
                Err(not_written) => return Ok(Err(not_written)),
            };
            if matches!(page.after, AfterPage::Again(_) | AfterPage::Yield) {
                tx.concerns(Signal::Polls);
            }
            let lease_until = match page.after {
                AfterPage::More(lease) => Some(now + lease),
                AfterPage::Again(_) | AfterPage::Yield | AfterPage::Rest => None,
            };
            let due_at = match page.after {
                AfterPage::More(lease) => times.due_while_leased(now + lease),
                AfterPage::Again(pause) => times.due_at.and(Some(times.sooner(now + pause))),
                AfterPage::Yield => times.due_at.and(Some(now)),
                AfterPage::Rest => {
                    let demand = demand(tx, claim.integration).await?;
                    let next = next_poll(&demand.timings, times.started_at.unwrap_or(now));
                    next.map(|next| times.sooner(next))
                }
            };
            exec!(
                tx,
                "update poll_groups set cursor = $2, cursor_at = $3, polled_at = $3, failures = 0,
                    error = null, error_at = null, pause_until = null, lease_until = $4, due_at = $5,
                    rounds = case when $6 then 0 else rounds + $7 end
                 where id = $1",
                claim.group,
                page.cursor,
                now,
                lease_until,
                due_at,
                page.after == AfterPage::Rest,
                i32::from(matches!(page.after, AfterPage::Again(_))),
            )?;
            Ok(Ok(written))
        };
        Ok(settled(self.write(settle).await?, &drafts))
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
