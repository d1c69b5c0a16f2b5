//! One poll: scans the history, or the mailbox where the history no longer reaches
//! back, fetches what is new, and stops in time.
//!
//! ```text
//! profile → another mailbox, or none yet? → its history from here on, no events
//!         → pending messages ⇄ next page of the scan … until
//!              the scan is through                      → more: false
//!              limit, or requests of one poll, used up  → more: true
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
//! **A poll starts with the profile** (1 unit) because another account may have come
//! behind the credential: the same history ids would mean something else there. The
//! new mailbox then starts like a first poll, and nothing of it that is there already
//! is fired. It is also the history id that a resync needs, at the right moment.

mod run;

use crate::api::{Api, Failure, Http};
use crate::cursor::Cursor;
use crate::log;
use crate::needs::Needs;
use crate::settings::Settings;
use run::Run;
use triggerhouse_sdk::prelude::*;

/// Longer pauses are no pauses any more but a mistake of a clock.
const PAUSE_US_MAX: u64 = 86_400 * 1_000_000;

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
    let api = Api::new(http, settings.root(), request.now);
    let profile = api.profile()?;
    if cursor
        .as_ref()
        .is_some_and(|cursor| cursor.mailbox != profile.mailbox)
    {
        log::warn("the credential leads to another mailbox than before: starting anew there");
    }
    let Some(mut cursor) = cursor.filter(|cursor| cursor.mailbox == profile.mailbox) else {
        let cursor = Cursor::first(profile.mailbox, profile.history, request.now);
        return Ok(page(Vec::new(), &cursor, false));
    };
    cursor.pause_until_us = None;
    let needs = Needs::of(&request.configs);
    let mut run = Run::new(&api, &needs, cursor, profile.history, request);
    let outcome = run.go();
    let progress = run.progress;
    let (mut cursor, events) = run.finish();
    match outcome {
        Ok(more) => Ok(page(events, &cursor, more)),
        Err(failure) if !progress => Err(failure.into()),
        // Quotas are counted by the minute: the usual interval is the pause.
        Err(Failure::RateLimited(None)) => Ok(page(events, &cursor, false)),
        Err(failure) => {
            if let Failure::RateLimited(Some(seconds)) = failure {
                let pause_us = u64::from(seconds) * 1_000_000;
                cursor.pause_until_us = Some(request.now.saturating_add(pause_us));
            }
            Ok(page(events, &cursor, true))
        }
    }
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
