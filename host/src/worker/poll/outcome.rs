//! What becomes of a poll that has no page.

use crate::credentials::AccessError;
use crate::domain::Timestamp;
use crate::domain::backoff::Backoff;
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::domain::poll::PollError;
use crate::provider::{Consequence, GuestError, PollFailure};
use crate::store::PollDisposition;
use std::time::Duration;
use uuid::Uuid;

/// The longest pause that a service may impose: beyond a day it is a mistake.
const PAUSE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// The pause before a group is tried again for which there was no instance.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// How the work on a claimed group ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Its last page is settled.
    Settled,
    /// There is no page.
    Failed(PollDisposition),
    /// The claim no longer holds: nothing may be written.
    Lost,
}

impl Ended {
    /// In figures.
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Failed(PollDisposition::Retry { .. }) => "failed",
            Self::Failed(PollDisposition::RateLimited { .. }) => "rate_limited",
            Self::Failed(PollDisposition::Unauthorized { .. }) => "unauthorized",
            Self::Failed(PollDisposition::GiveBack { .. }) => "given_back",
            Self::Lost => "lost",
        }
    }
}

/// When a group is tried again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retries {
    /// The wait after a failure.
    pub(super) backoff: Backoff,
    /// Polls that failed in a row before this one.
    pub(super) failures: i32,
    /// Until when the group's services want to be left alone, as far as is known here.
    pub(super) paused_until: Option<Timestamp>,
    /// The time.
    pub(super) now: Timestamp,
    /// Uniform in 0..1.
    pub(super) random: f64,
}

impl Retries {
    /// After a failure that may pass.
    pub(super) fn soon(&self, error: &str) -> PollDisposition {
        let attempt = self.failures.saturating_add(1);
        self.after(self.backoff.after(attempt, self.random), error)
    }

    /// After a failure that somebody has to do something about.
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

    /// While the service wants to be left alone; as after a failure if nobody says for
    /// how long, or it is no time at all: a service that says "too much" is not asked
    /// again at once.
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

    /// After there was nothing to attach to requests.
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

    /// After a call that returned no page; `revision` is that of the credential that
    /// stood in its requests.
    pub(super) fn failed(&self, failure: &PollFailure, revision: Option<Uuid>) -> PollDisposition {
        let text = failure.to_string();
        match failure {
            PollFailure::Provider(PollError::RateLimited(pause)) => self.paused(*pause, &text),
            PollFailure::Provider(PollError::Unauthorized(_)) => PollDisposition::Unauthorized {
                error: text,
                revision,
            },
            PollFailure::Provider(PollError::InvalidCursor(_)) => self.late(&text),
            PollFailure::Provider(PollError::Unavailable(_) | PollError::Other(_)) => {
                self.soon(&text)
            }
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
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_608_000_000_000);

    fn retries(paused_until: Option<u64>) -> Retries {
        Retries {
            backoff: Backoff {
                base: Duration::from_secs(10),
                max: Duration::from_secs(3_600),
            },
            failures: 2,
            paused_until: paused_until.map(after),
            now: NOW,
            random: 1.0,
        }
    }

    fn after(seconds: u64) -> Timestamp {
        NOW + Duration::from_secs(seconds)
    }

    fn at(failed: PollDisposition) -> u64 {
        let at = match failed {
            PollDisposition::Retry { at, .. } | PollDisposition::GiveBack { at } => at,
            PollDisposition::RateLimited { until, .. } => until,
            PollDisposition::Unauthorized { .. } => return 0,
        };
        u64::try_from(at.micros_since(NOW)).unwrap() / 1_000_000
    }

    fn provider(error: PollError) -> PollFailure {
        PollFailure::Provider(error)
    }

    #[test]
    fn a_pause_is_as_long_as_the_service_says_and_no_failure() {
        let seconds =
            |seconds| provider(PollError::RateLimited(Some(Duration::from_secs(seconds))));
        let failed = retries(None).failed(&seconds(90), None);
        assert!(matches!(failed, PollDisposition::RateLimited { until, .. } if until == after(90)));
        assert_eq!(at(retries(Some(500)).failed(&seconds(90), None)), 500);
        assert_eq!(at(retries(None).failed(&seconds(1 << 40), None)), 86_400);
        let somehow = provider(PollError::RateLimited(None));
        assert_eq!(at(retries(Some(70)).failed(&somehow, None)), 70);
        let at_once = provider(PollError::RateLimited(Some(Duration::ZERO)));
        assert_eq!(at(retries(None).failed(&at_once, None)), 40);
        let failed = retries(None).failed(&somehow, None);
        assert!(
            matches!(failed, PollDisposition::Retry { .. }),
            "{failed:?}"
        );
    }

    #[test]
    fn what_may_pass_is_tried_again_sooner_than_what_somebody_must_put_right() {
        let unavailable = provider(PollError::Unavailable("503".into()));
        assert_eq!(at(retries(None).failed(&unavailable, None)), 40);
        assert_eq!(at(retries(Some(99)).failed(&unavailable, None)), 99);
        let invalid = provider(PollError::InvalidCursor("gone".into()));
        assert_eq!(at(retries(None).failed(&invalid, None)), 3_600);
        let broken = PollFailure::Guest(GuestError::BadOutput("no JSON".into()));
        assert_eq!(at(retries(None).failed(&broken, None)), 3_600);
        let trapped = PollFailure::Guest(GuestError::OutOfTime { limit_ms: 1 });
        assert_eq!(at(retries(None).failed(&trapped, None)), 40);
        assert_eq!(
            at(retries(None).failed(&PollFailure::Guest(GuestError::Busy), None)),
            1
        );
    }

    #[test]
    fn a_refused_credential_stops_it() {
        let refused = provider(PollError::Unauthorized("401".into()));
        let revision = Some(Uuid::nil());
        let error = "unauthorized: 401".into();
        assert_eq!(
            retries(None).failed(&refused, revision),
            PollDisposition::Unauthorized { error, revision }
        );
    }

    #[test]
    fn whoever_issues_tokens_is_left_alone_for_as_long_as_it_asks() {
        let away = |seconds: Option<u64>| AccessError::Unavailable {
            reason: "503".into(),
            retry_after: seconds.map(Duration::from_secs),
        };
        assert_eq!(at(retries(None).without_access(&away(None))), 40);
        assert_eq!(at(retries(None).without_access(&away(Some(3)))), 40);
        assert_eq!(at(retries(None).without_access(&away(Some(300)))), 300);
    }
}
