//! The next poll of a group after a poll without a page.

use crate::credentials::AccessError;
use crate::domain::Timestamp;
use crate::domain::backoff::Backoff;
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::provider::{Consequence, GuestError, PollFailure};
use crate::store::PollDisposition;
use std::time::Duration;
use uuid::Uuid;

/// The longest pause that a service may ask for: more than a day is a mistake.
const PAUSE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// The pause before a group is polled again that got no instance.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// Decides when a group is polled again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retries {
    pub(super) backoff: Backoff,
    /// Consecutive failures before this poll.
    pub(super) failures: i32,
    /// The end of the pause that the group's services asked for, as far as this process
    /// knows.
    pub(super) paused_until: Option<Timestamp>,
    pub(super) now: Timestamp,
    /// Uniform in 0..1.
    pub(super) random: f64,
}

impl Retries {
    /// After a transient failure.
    pub(super) fn soon(&self, error: &str) -> PollDisposition {
        let attempt = self.failures.saturating_add(1);
        self.after(self.backoff.after(attempt, self.random), error)
    }

    /// After a failure that a person has to fix.
    fn late(&self, error: &str) -> PollDisposition {
        self.after(self.backoff.max, error)
    }

    fn after(&self, wait: Duration, error: &str) -> PollDisposition {
        let at = self.now + wait;
        PollDisposition::Retry {
            at: self.paused_until.map_or(at, |pause| pause.max(at)),
            pause_until: self.paused_until,
            error: bounded(error, REASON_BYTES_MAX),
        }
    }

    /// After a service asked for a pause. Backs off as after a failure if the pause is
    /// unknown or zero: a service that says "too much" is not asked again at once.
    pub(super) fn paused(&self, pause: Option<Duration>, error: &str) -> PollDisposition {
        let asked = pause.filter(|pause| !pause.is_zero());
        let asked = asked.map(|pause| self.now + pause.min(PAUSE_MAX));
        match asked.max(self.paused_until) {
            Some(until) => PollDisposition::RateLimited {
                until,
                error: bounded(error, REASON_BYTES_MAX),
            },
            None => self.soon(error),
        }
    }

    /// After the credential could not be had.
    pub(super) fn without_access(&self, error: &AccessError) -> PollDisposition {
        let text = bounded(&error.to_string(), REASON_BYTES_MAX);
        match error {
            AccessError::NeedsReauth { revision, .. } => PollDisposition::Unauthorized {
                error: text,
                revision: *revision,
            },
            AccessError::Unavailable { retry_after, .. } => {
                let attempt = self.failures.saturating_add(1);
                let wait = self.backoff.after(attempt, self.random);
                let asked = retry_after.map_or(wait, |asked| asked.min(PAUSE_MAX));
                self.after(wait.max(asked), &text)
            }
            AccessError::Store(_) => self.soon(&text),
        }
    }

    /// After a call that returned no page. `revision` identifies the credential in its
    /// requests.
    pub(super) fn failed(&self, failure: &PollFailure, revision: Option<Uuid>) -> PollDisposition {
        let text = failure.to_string();
        match failure {
            PollFailure::RateLimited(pause) => self.paused(*pause, &text),
            PollFailure::Unauthorized(_) => PollDisposition::Unauthorized {
                error: text,
                revision,
            },
            PollFailure::InvalidCursor(_) => self.late(&text),
            PollFailure::Unavailable(_) | PollFailure::Other(_) => self.soon(&text),
            PollFailure::Guest(GuestError::Busy) => PollDisposition::GiveBack {
                at: self.now + BUSY_PAUSE,
            },
            PollFailure::Guest(error) => match error.consequence() {
                Consequence::Retry => self.soon(&text),
                Consequence::Fail => self.late(&text),
            },
        }
    }
}

#[cfg(test)]
mod tests;
