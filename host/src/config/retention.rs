//! How long what has ended is kept.

use crate::domain::Timestamp;
use crate::store::{Collected, Horizon};
use anyhow::bail;
use serde::Deserialize;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A century: longer than anything is kept, and safe to subtract from a time.
const DAYS_MAX: u32 = 36_500;
const ROWS_MAX: u32 = 10_000;

/// See `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in config.default.toml")]
pub struct RetentionConfig {
    pub inbox_days: u32,
    pub dead_letters_days: u32,
    pub events_days: u32,
    pub runs_days: u32,
    pub outbox_days: u32,
    pub history_days: u32,
    pub deduplication_days: u32,
    pub every_seconds: u64,
    pub pass_rows_max: u32,
    pub pause_ms: u64,
}

impl RetentionConfig {
    /// Which rows are old at `now`; none where they are kept for ever.
    pub fn horizon(&self, what: Collected, now: Timestamp) -> Option<Horizon> {
        let days = match what {
            Collected::Messages => self.outbox_days,
            Collected::Runs => self.runs_days,
            Collected::Events => self.events_days,
            Collected::Deliveries => self.inbox_days,
            Collected::DeadLetters => self.dead_letters_days,
            Collected::History => self.history_days,
            Collected::EventKeys | Collected::DoorKeys => self.deduplication_days,
        };
        let since = |days: u32| (days > 0).then(|| now - DAY * days);
        Some(Horizon {
            before: since(days)?,
            keys_since: since(self.deduplication_days).unwrap_or(Timestamp(i64::MIN)),
        })
    }

    /// Refuses what could not work.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for (name, days) in [
            ("inbox_days", self.inbox_days),
            ("dead_letters_days", self.dead_letters_days),
            ("events_days", self.events_days),
            ("runs_days", self.runs_days),
            ("outbox_days", self.outbox_days),
            ("history_days", self.history_days),
            ("deduplication_days", self.deduplication_days),
        ] {
            if days > DAYS_MAX {
                bail!("retention.{name}: expected at most {DAYS_MAX}, got {days}");
            }
        }
        // Otherwise every pass would look at all events whose runs are still kept.
        let (events, runs) = (self.events_days, self.runs_days);
        if events != 0 && (runs == 0 || events < runs) {
            bail!(
                "retention.events_days: expected 0 or at least retention.runs_days, which is {runs} \
                 (0: for ever), got {events}: an event stays as long as its run"
            );
        }
        if !(1..=ROWS_MAX).contains(&self.pass_rows_max) {
            bail!(
                "retention.pass_rows_max: expected 1 to {ROWS_MAX}, got {}",
                self.pass_rows_max
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::domain::Timestamp;
    use crate::store::Collected;

    fn with(flags: &str) -> anyhow::Result<Config> {
        Config::load(None, std::iter::empty(), flags.parse().unwrap())
    }

    #[test]
    fn nothing_is_old_that_is_kept_for_ever() {
        let config = with("[retention]\nevents_days = 0\ndeduplication_days = 0").unwrap();
        let now = Timestamp(1_800_000_000_000_000);
        let retention = &config.retention;
        for what in [Collected::Events, Collected::EventKeys, Collected::DoorKeys] {
            assert_eq!(retention.horizon(what, now), None);
        }
        let inbox = retention.horizon(Collected::Deliveries, now).unwrap();
        assert_eq!(now.micros_since(inbox.before), 7 * 86_400_000_000);
        assert_eq!(inbox.keys_since, Timestamp(i64::MIN), "every key is kept");
    }

    #[test]
    fn retention_out_of_its_bounds_is_named() {
        for (flags, expected) in [
            (
                "runs_days = 36501",
                "retention.runs_days: expected at most 36500, got 36501",
            ),
            (
                "events_days = 30",
                "retention.events_days: expected 0 or at least retention.runs_days, which is 90 \
                 (0: for ever), got 30: an event stays as long as its run",
            ),
            (
                "runs_days = 0",
                "retention.events_days: expected 0 or at least retention.runs_days, which is 0 \
                 (0: for ever), got 90: an event stays as long as its run",
            ),
            (
                "pass_rows_max = 0",
                "retention.pass_rows_max: expected 1 to 10000, got 0",
            ),
            (
                "every_seconds = 0",
                "retention.every_seconds: expected a number greater than 0",
            ),
        ] {
            let error = with(&format!("[retention]\n{flags}")).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
