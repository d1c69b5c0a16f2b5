//! A year of ticks in three time zones, beside those of an independent
//! implementation.

use jiff::tz::TimeZone;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use triggerhouse::domain::Timestamp;
use triggerhouse::domain::cron::Cron;
use triggerhouse_tests::files;

#[derive(Debug, Deserialize)]
struct Year {
    cron: String,
    timezone: String,
    ticks: usize,
    sha256: String,
    sha256_calm: String,
    first: Vec<i64>,
}

/// 2026-01-01T00:00:00Z, in seconds.
const BEGIN: i64 = 1_767_225_600;
const END: i64 = BEGIN + 365 * 24 * 60 * 60;

/// Several times a day, which Debian's cron takes for fixed times unless they start
/// with a star, and this one for an interval: see `domain/cron`. Of these, the days on
/// which a clock is changed are not compared; they have tests of their own.
const INTERVALS: [&str; 4] = [
    "0 */2 * * *",
    "*/20 2 * * *",
    "0 1,2,3 * * *",
    "23 0-23/2 * * *",
];

/// Whether a clock is changed on the day of this moment.
fn is_changed(seconds: i64, zone: &TimeZone) -> bool {
    let time = jiff::Timestamp::from_second(seconds).unwrap();
    let day = time.to_zoned_datetime(zone.clone()).start_of_day().unwrap();
    day.offset() != day.tomorrow().unwrap().start_of_day().unwrap().offset()
}

#[test]
fn a_year_of_ticks_is_that_of_an_independent_implementation() {
    let years: Vec<Year> = serde_json::from_str(&files::fixture_text("cron/year.json")).unwrap();
    assert!(years.len() > 100);
    let mut different = Vec::new();
    for year in years {
        let cron = Cron::parse_stored(&year.cron, &year.timezone).unwrap();
        let mut at = Timestamp((BEGIN - 1) * 1_000_000);
        let zone = TimeZone::get(&year.timezone).unwrap();
        let is_interval = INTERVALS.contains(&year.cron.as_str());
        let (mut digest, mut ticks, mut first) = (Sha256::new(), 0, Vec::new());
        while let Some(next) = cron.next_after(at) {
            let seconds = next.0 / 1_000_000;
            if seconds >= END {
                break;
            }
            if !(is_interval && is_changed(seconds, &zone)) {
                digest.update(format!("{seconds}\n"));
            }
            ticks += 1;
            if first.len() < year.first.len() {
                first.push(seconds);
            }
            at = next;
        }
        let expected = if is_interval {
            &year.sha256_calm
        } else {
            &year.sha256
        };
        if hex::encode(digest.finalize()) != *expected {
            different.push(format!(
                "{} in {}: {ticks} ticks, expected {}; {first:?}, expected {:?}",
                year.cron, year.timezone, year.ticks, year.first
            ));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
