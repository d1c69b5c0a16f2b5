//! One poll: scans the history, or the list of messages if the history is too short, fetches new
//! messages, and stops in time.
//!
//! ```text
//! profile → first poll, or another mailbox?  → a new cursor, no events
//!         → pending messages ⇄ next page of the scan … until
//!              the scan is complete                      → more: false
//!              the limit or the poll's requests are used → more: true
//!              the minute's quota is used                → more: false
//!              a request fails                           → the page so far, or the error
//! history answers 404 → a resync reads the list of messages. The history then continues at
//!                       the id that the profile returned before.
//! ```
//!
//! **A failure loses nothing.** A failure before any progress is the poll's error, and the cursor
//! stays. Otherwise the poll returns the page so far. Its cursor continues there, and the next
//! poll starts with the failed request. If the service asked for a pause, the cursor carries it,
//! and the next poll does not even ask.
//!
//! **The provider enforces the quota**, because a refusal by the service would fail the poll. The
//! cursor knows the units of the last minute, each request is paid before it is sent, and a call
//! that cannot make progress sends none. The page that uses up the quota reports no more
//! messages, because another request would be refused. The next poll begins when half of the
//! quota is free. While it spends that half, the rest becomes free. If it began with the first
//! free units, it would stop with them and wait for another interval.
//!
//! **A poll starts with the profile** (1 unit), because the credential may lead to another account
//! now, where the same history ids mean something else. The new mailbox then starts like a first
//! poll, without events for old messages. The profile also returns the history id that a resync
//! needs, at the right moment.

mod run;

use crate::api::{Api, CALL_UNITS_MIN, Failure, Http, Quota};
use crate::cursor::{Cursor, Spent};
use crate::log;
use crate::needs::Needs;
use crate::settings::Settings;
use run::Run;
use triggerhouse_sdk::prelude::*;

/// A longer pause is a clock error.
const PAUSE_US_MAX: u64 = 86_400 * 1_000_000;

/// The result of a poll.
struct Reached {
    events: Vec<Event>,
    cursor: Cursor,
    more: bool,
}

/// Returns one page of the new messages in a mailbox.
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
            // An error would keep the old cursor, and polls would wait until the clock is back
            // where it was before it was set back.
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
        log::warn("this minute's quota is used up; the next poll continues");
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
        log::warn("the credential leads to another mailbox now; polling starts over there");
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
        // No failure: fewer units are left than a call needs.
        Err(Failure::QuotaUsed) => true,
        Err(failure) if !progress => return Err(failure.into()),
        // Google counts quotas by the minute, so the usual interval is the pause.
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

/// The rest of the pause that the service asked for, in seconds.
fn pause_seconds(cursor: &Cursor, now_us: u64) -> Option<u32> {
    let left_us = cursor.pause_until_us?.checked_sub(now_us)?;
    let seconds = u32::try_from(left_us.div_ceil(1_000_000)).ok()?;
    (0 < left_us && left_us <= PAUSE_US_MAX).then_some(seconds)
}

#[cfg(target_family = "wasm")]
impl Polling for crate::Gmail {
    fn poll(request: PollRequest) -> Result<PollPage, PollError> {
        poll(&crate::api::Host, &request)
    }
}

fn page(events: Vec<Event>, cursor: &Cursor, more: bool) -> PollPage {
    PollPage {
        events,
        cursor: cursor.write(),
        more,
    }
}
