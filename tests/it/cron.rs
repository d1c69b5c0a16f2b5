//! A year of ticks in six time zones, compared with an independent implementation.

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
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

/// Crons that are not compared on days around a clock change; other tests cover those.
/// Debian's cron treats several times a day as fixed times, unless they start with a star.
/// Here they are an interval: see `host/src/domain/cron`.
const CALM_ONLY: [&str; 8] = [
    "0 */2 * * *",
    "*/20 2 * * *",
    "0 1,2,3 * * *",
    "23 0-23/2 * * *",
    "*/20 23 * * *",
    "*/20 0 * * *",
    "0 0,12 * * *",
    // The other implementation skips ticks after a change of half an hour.
    "5,10 0 0 * * *",
];

/// True for one time of day with seconds. The other implementation treats it as an
/// interval, because Debian's cron has no seconds.
fn is_fixed_to_the_second(cron: &str) -> bool {
    let fields: Vec<&str> = cron.split(' ').collect();
    let is_number = |field: &&str| field.parse::<u8>().is_ok();
    fields.len() == 6 && fields[..3].iter().all(is_number)
}

/// True if no clock change is within two days of this day.
fn is_calm(day: Date, zone: &TimeZone) -> bool {
    let offset = |days: i64| {
        let day = day.checked_add(days.days()).unwrap();
        zone.to_offset(zone.to_timestamp(day.at(12, 0, 0, 0)).unwrap())
    };
    (-2..=2).all(|days| offset(days) == offset(0))
}

#[test]
fn a_year_of_ticks_equals_that_of_an_independent_implementation() {
    let years: Vec<Year> = serde_json::from_str(&files::fixture_text("cron/year.json")).unwrap();
    assert!(years.len() > 350);
    let mut different = Vec::new();
    let mut calm_days = HashMap::new();
    for year in years {
        let cron = Cron::parse_stored(&year.cron, &year.timezone).unwrap();
        let mut at = Timestamp((BEGIN - 1) * 1_000_000);
        let zone = TimeZone::get(&year.timezone).unwrap();
        let only_calm =
            CALM_ONLY.contains(&year.cron.as_str()) || is_fixed_to_the_second(&year.cron);
        let (mut digest, mut ticks, mut first) = (Sha256::new(), 0, Vec::new());
        while let Some(next) = cron.next_after(at) {
            let seconds = next.0 / 1_000_000;
            if seconds >= END {
                break;
            }
            let time = jiff::Timestamp::from_second(seconds).unwrap();
            let is_compared = !only_calm || {
                let day = zone.to_datetime(time).date();
                *calm_days
                    .entry((year.timezone.clone(), day))
                    .or_insert_with(|| is_calm(day, &zone))
            };
            if is_compared {
                digest.update(format!("{seconds}\n"));
            }
            ticks += 1;
            if first.len() < year.first.len() {
                first.push(seconds);
            }
            at = next;
        }
        let expected = if only_calm {
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
