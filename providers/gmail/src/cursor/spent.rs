//! The quota spent within the last minute, and how long it counts. Knows no prices.
//!
//! **The minute slides.** A fixed window would allow one whole quota at its end and another right
//! after it, and the start of Google's window is unknown. Here any 60 seconds stay within the
//! quota, except for the one call that is under way when they begin.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The time that spent units count, in seconds.
const WINDOW_S: u64 = 60;

/// The units that count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    /// Units by the second in which their call began, rounded up. There are at most 61
    /// entries.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    units: BTreeMap<u64, u32>,
    /// True if the last call stopped for lack of units while more messages were waiting.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub used_up: bool,
}

impl Spent {
    /// True if no units count.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty() && !self.used_up
    }

    /// Forgets units that no longer count. Units spent after `now_us`, by a clock that was set
    /// back since, count as spent now, so that they block polls for a minute at most. Returns
    /// true if there were any.
    pub fn recall(&mut self, now_us: u64) -> bool {
        let now_s = second(now_us);
        let ahead = self.units.split_off(&now_s.saturating_add(1));
        self.units.retain(|at_s, _| ends_us(*at_s) > now_us);
        for units in ahead.values() {
            self.add(now_us, *units);
        }
        !ahead.is_empty()
    }

    /// Adds the units of a call that began at `now_us`.
    pub fn add(&mut self, now_us: u64, units: u32) {
        let entry = self.units.entry(second(now_us)).or_default();
        *entry = entry.saturating_add(units);
    }

    /// All units that count.
    pub fn total(&self) -> u32 {
        let add = |sum: u32, units: &u32| sum.saturating_add(*units);
        self.units.values().fold(0, add)
    }

    /// Seconds until at most `units_max` count; `None` if that is already so.
    pub fn pause_seconds(&self, units_max: u32, now_us: u64) -> Option<u32> {
        let mut units = self.total();
        let mut until_us = None;
        for (at_s, spent) in &self.units {
            if units <= units_max {
                break;
            }
            units = units.saturating_sub(*spent);
            until_us = Some(ends_us(*at_s));
        }
        let seconds = until_us?.saturating_sub(now_us).div_ceil(1_000_000);
        u32::try_from(seconds).ok()
    }
}

/// Rounded up, so that no unit is forgotten too early.
fn second(now_us: u64) -> u64 {
    now_us.div_ceil(1_000_000)
}

/// The time when the units of a second no longer count.
fn ends_us(at_s: u64) -> u64 {
    at_s.saturating_add(WINDOW_S).saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: u64 = 1_000_000;
    const NOW_US: u64 = 1_700_000_000 * SECOND_US;

    fn at(second: u64) -> u64 {
        NOW_US + second * SECOND_US
    }

    #[test]
    fn units_count_for_a_minute() {
        let mut spent = Spent::default();
        spent.add(at(0), 500);
        spent.add(at(20), 20);
        for (now_us, units) in [
            (at(20), 520),
            (at(60) - 1, 520),
            (at(60), 20),
            (at(80) - 1, 20),
            (at(80), 0),
        ] {
            assert!(!spent.recall(now_us));
            assert_eq!(spent.total(), units);
        }
        assert!(spent.is_empty());
    }

    #[test]
    fn no_unit_is_forgotten_before_a_minute_has_passed() {
        let mut spent = Spent::default();
        spent.add(at(0) + 1, 7);
        spent.recall(at(60) + 1);
        assert_eq!(spent.total(), 7);
        spent.recall(at(61));
        assert_eq!(spent.total(), 0);
    }

    #[test]
    fn a_pause_lasts_until_enough_of_the_oldest_units_expire() {
        let mut spent = Spent::default();
        for second in [0, 10, 20] {
            spent.add(at(second), 100);
        }
        let pause = |units_max| spent.pause_seconds(units_max, at(20) + 1);
        assert_eq!(pause(300), None);
        assert_eq!(pause(299), Some(40));
        assert_eq!(pause(200), Some(40));
        assert_eq!(pause(199), Some(50));
        assert_eq!(pause(0), Some(60));
        assert_eq!(Spent::default().pause_seconds(0, NOW_US), None);
    }

    #[test]
    fn units_from_a_clock_that_was_set_back_count_from_now_on() {
        let mut spent = Spent::default();
        spent.add(at(3_600), 100);
        spent.add(at(3_601), 100);
        assert!(spent.recall(at(0)));
        assert_eq!(
            (spent.total(), spent.pause_seconds(0, at(0))),
            (200, Some(60))
        );
        assert!(!spent.recall(at(1)));
        assert_eq!(spent.pause_seconds(0, at(1)), Some(59));
        spent.recall(at(60));
        assert!(spent.is_empty());
    }

    #[test]
    fn any_number_of_calls_makes_few_entries() {
        let mut spent = Spent::default();
        for tenth in 0..6_000 {
            let now_us = NOW_US + tenth * SECOND_US / 10;
            spent.recall(now_us);
            spent.add(now_us, 1);
            assert!(spent.units.len() <= 61 && spent.total() <= 610);
        }
        assert!(serde_json::to_string(&spent).unwrap().len() < 1_024);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let json = r#"{"units": {"18446744073709551615": 4294967295, "1700000000": 4294967295}}"#;
        let mut spent: Spent = serde_json::from_str(json).unwrap();
        assert!(spent.recall(NOW_US));
        assert_eq!(spent.total(), u32::MAX);
        assert_eq!(spent.pause_seconds(0, NOW_US), Some(60));
        assert!(spent.recall(0) && !spent.recall(u64::MAX));
    }
}
