//! Retention: the time that rows are kept after they have ended.
//!
//! Owns: `[retention]`, and the time before which rows are old.
//! Never does: delete; `worker/collector.rs` does.

use super::number::{CENTURY, Count, Days, Millis, Seconds, WEEK, WEEK_MS};
use super::setting::settings;
use crate::domain::Timestamp;
use crate::store::{Collected, Horizon};

settings! {
    /// `[retention]`. 0 days: forever.
    pub struct RetentionConfig {
        pub inbox_days: Days<0, CENTURY>,
        pub dead_letters_days: Days<0, CENTURY>,
        pub events_days: Days<0, CENTURY>,
        pub runs_days: Days<0, CENTURY>,
        pub outbox_days: Days<0, CENTURY>,
        pub history_days: Days<0, CENTURY>,
        pub deduplication_days: Days<0, CENTURY>,
        pub every_seconds: Seconds<1, WEEK>,
        pub again_seconds: Seconds<1, WEEK>,
        pub pass_rows_max: Count<1, 10_000>,
        pub pause_ms: Millis<1, WEEK_MS>,
    }
}

impl RetentionConfig {
    /// The time before which rows of this kind are old; none if they are kept forever.
    pub fn horizon(&self, what: Collected, now: Timestamp) -> Option<Horizon> {
        let days = match what {
            Collected::Messages => self.outbox_days,
            Collected::Runs => self.runs_days,
            Collected::Events | Collected::Facts => self.events_days,
            Collected::Deliveries => self.inbox_days,
            Collected::DeadLetters => self.dead_letters_days,
            Collected::History => self.history_days,
            Collected::EventKeys | Collected::DoorKeys => self.deduplication_days,
        };
        let since = |days: Days<0, CENTURY>| (days.u64() > 0).then(|| now - days.duration());
        Some(Horizon {
            before: since(days)?,
            keys_since: since(self.deduplication_days).unwrap_or(Timestamp(i64::MIN)),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::domain::Timestamp;
    use crate::store::Collected;

    #[test]
    fn rows_that_are_kept_forever_are_never_old() {
        let flags = "[retention]\nevents_days = 0\ndeduplication_days = 0";
        let config = Config::load(None, std::iter::empty(), flags.parse().unwrap()).unwrap();
        let now = Timestamp(1_800_000_000_000_000);
        let retention = &config.retention;
        for what in [Collected::Events, Collected::EventKeys, Collected::DoorKeys] {
            assert_eq!(retention.horizon(what, now), None);
        }
        let inbox = retention.horizon(Collected::Deliveries, now).unwrap();
        assert_eq!(now.micros_since(inbox.before), 7 * 86_400_000_000);
        assert_eq!(inbox.keys_since, Timestamp(i64::MIN), "every key is kept");
    }
}
