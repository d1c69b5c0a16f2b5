//! One poll: scans the history, or the mailbox where the history no longer reaches
//! back, fetches what is new, and stops in time.
//!
//! ```text
//! profile → another mailbox, or none yet? → its history from here on, no events
//!         → pending messages ⇄ next page of the scan … until
//!              the scan is through                      → more: false
//!              limit, or requests of one poll, used up  → more: true
//!              the minute's quota used up               → more: false
//!              something fails                          → what was reached, or why not
//! history answers 404 → a resync: the profile's history id, taken before, is where
//!                       the history will go on; in between, the list of messages
//! ```
//!
//! **What fails loses nothing.** A failure before anything was reached is the poll's
//! error, and the cursor stays. Otherwise the page so far is returned, its cursor
//! continues there, and the next poll meets the failure at its beginning. If the
//! service named a pause, the cursor carries it and that next poll does not even ask.
//!
//! **The quota is kept here**, and not left to the service, whose refusal would be a
//! failed poll. The cursor knows what the last minute cost, a request is paid for
//! before it is sent, and a call that could not get anywhere sends none. The page that
//! uses the quota up says that nothing more is waiting: to ask at once would be in vain.
//! The next poll begins when half of the quota is free again. While it spends that, the
//! rest becomes free, second by second; if it began with the first units that are free,
//! it would stop with them, and the host wait for another interval.
//!
//! **A poll starts with the profile** (1 unit) because another account may have come
//! behind the credential: the same history ids would mean something else there. The
//! new mailbox then starts like a first poll, and nothing of it that is there already
//! is fired. It is also the history id that a resync needs, at the right moment.

mod run;

use crate::api::{Api, CALL_UNITS_MIN, Failure, Http, Quota};
use crate::cursor::{Cursor, Spent};
use crate::log;
use crate::needs::Needs;
use crate::settings::Settings;
use run::Run;
use triggerhouse_sdk::prelude::*;

/// Longer pauses are no pauses any more but a mistake of a clock.
const PAUSE_US_MAX: u64 = 86_400 * 1_000_000;

/// What a poll came to.
struct Reached {
    events: Vec<Event>,
    cursor: Cursor,
    more: bool,
}

/// One page of what is new in a mailbox.
///
/// # Errors
/// See [`PollError`].
pub fn poll(http: &dyn Http, request: &PollRequest) -> Result<PollPage, PollError> {
    let settings: Settings = request.settings()?;
    let cursor = request.cursor.as_deref().map(Cursor::read).transpose()?;
    if let Some(seconds) = cursor
        .as_ref()
        .and_then(|cursor| pause_seconds(cursor, request.now))
    {
        return Err(PollError::RateLimited(Some(seconds)));
    }
    let mut spent = cursor
        .as_ref()
        .map_or_else(Spent::default, |cursor| cursor.spent.clone());
    let was_ahead = spent.recall(request.now);
    let units_max = settings.quota_units_per_minute;
    let wanted = if spent.used_up {
        units_max / 2
    } else {
        CALL_UNITS_MIN
    };
    if let Some(seconds) = spent.pause_seconds(units_max.saturating_sub(wanted), request.now) {
        return match cursor {
            // With an error the host keeps the old cursor, and would wait until the
            // clock is where it was before it was set back.
            Some(cursor) if was_ahead => Ok(page(Vec::new(), &Cursor { spent, ..cursor }, false)),
            _ => Err(PollError::RateLimited(Some(seconds))),
        };
    }
    let quota = Quota::new(units_max.saturating_sub(spent.total()));
    let api = Api::new(http, settings.root(), request.now, quota);
    let mut reached = ask(&api, cursor, request)?;
    spent.add(request.now, api.quota().spent());
    spent.used_up = reached.more && !api.quota().has(CALL_UNITS_MIN);
    if spent.used_up {
        log::warn("this minute's quota is used up: the next poll goes on");
    }
    let more = reached.more && !spent.used_up;
    reached.cursor.spent = spent;
    Ok(page(reached.events, &reached.cursor, more))
}

fn ask(api: &Api, cursor: Option<Cursor>, request: &PollRequest) -> Result<Reached, PollError> {
    let profile = api.profile()?;
    if cursor
        .as_ref()
        .is_some_and(|cursor| cursor.mailbox != profile.mailbox)
    {
        log::warn("the credential leads to another mailbox than before: starting anew there");
    }
    let Some(mut cursor) = cursor.filter(|cursor| cursor.mailbox == profile.mailbox) else {
        return Ok(Reached {
            events: Vec::new(),
            cursor: Cursor::first(profile.mailbox, profile.history, request.now),
            more: false,
        });
    };
    cursor.pause_until_us = None;
    let needs = Needs::of(&request.configs);
    let mut run = Run::new(api, &needs, cursor, profile.history, request);
    let outcome = run.go();
    let progress = run.progress;
    let (mut cursor, events) = run.finish();
    let more = match outcome {
        Ok(more) => more,
        // Nothing has failed; less is left than any call needs.
        Err(Failure::QuotaUsed) => true,
        Err(failure) if !progress => return Err(failure.into()),
        // Quotas are counted by the minute: the usual interval is the pause.
        Err(Failure::RateLimited(None)) => false,
        Err(failure) => {
            if let Failure::RateLimited(Some(seconds)) = failure {
                let pause_us = u64::from(seconds) * 1_000_000;
                cursor.pause_until_us = Some(request.now.saturating_add(pause_us));
            }
            true
        }
    };
    Ok(Reached {
        events,
        cursor,
        more,
    })
}

/// How long the service still wants to be left alone.
fn pause_seconds(cursor: &Cursor, now_us: u64) -> Option<u32> {
    let left_us = cursor.pause_until_us?.checked_sub(now_us)?;
    let seconds = u32::try_from(left_us.div_ceil(1_000_000)).ok()?;
    (0 < left_us && left_us <= PAUSE_US_MAX).then_some(seconds)
}

fn page(events: Vec<Event>, cursor: &Cursor, more: bool) -> PollPage {
    PollPage {
        events,
        cursor: cursor.write(),
        more,
    }
}
