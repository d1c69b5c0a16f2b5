//! Wall-clock time for croner, through its own traits: croner uses another version of jiff.

use croner::errors::CronError;
use croner::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use std::cmp::Ordering;

/// A point in time, in a time zone.
#[derive(Clone, Debug)]
pub(super) struct WallClock(pub(super) ZonedDateTime);

impl WallClock {
    pub(super) fn new(time: Timestamp, zone: &TimeZone) -> Self {
        Self(time.to_zoned_datetime(zone.clone()))
    }
}

impl CronDateTime for WallClock {
    fn to_civil(&self) -> CivilDateTime {
        let time = self.0.datetime();
        let part = i8::unsigned_abs;
        // jiff keeps every part within its range.
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(
                time.year().into(),
                part(time.month()).into(),
                part(time.day()).into(),
            ),
            CivilTime::from_parts_unchecked(
                part(time.hour()).into(),
                part(time.minute()).into(),
                part(time.second()).into(),
            ),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        let days = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(days.unsigned_abs().into())
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let ambiguous = self
            .0
            .time_zone()
            .to_ambiguous_zoned_datetime(to_jiff(civil)?);
        let invalid = |_| CronError::InvalidTime;
        Ok(match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => {
                Resolution::Single(Self(ambiguous.unambiguous().map_err(invalid)?))
            }
            AmbiguousOffset::Fold { .. } => Resolution::Ambiguous(
                Self(ambiguous.clone().earlier().map_err(invalid)?),
                Self(ambiguous.later().map_err(invalid)?),
            ),
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        let later = self.0.checked_add(SignedDuration::from_secs(seconds));
        later.ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        // By the instant, because the two passes of a repeated hour show the same time.
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

fn to_jiff(civil: CivilDateTime) -> Result<DateTime, CronError> {
    let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
    let part = |part: u32| i8::try_from(part).map_err(|_| CronError::InvalidDate);
    DateTime::new(
        year,
        part(civil.month())?,
        part(civil.day())?,
        part(civil.hour())?,
        part(civil.minute())?,
        part(civil.second())?,
        0,
    )
    .map_err(|_| CronError::InvalidDate)
}
