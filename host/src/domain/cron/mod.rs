//! Cron expressions and their ticks.
//!
//! Five fields (minute, hour, day of month, month, day of week) or six (seconds
//! first), in an IANA time zone. As in Vixie cron, a day has to match either of the two day
//! fields if neither starts with a star, and otherwise both.
//!
//! An entry of a list is `*`, a number or a name (JAN–DEC, SUN–SAT; Sunday is 0 and 7), a
//! range, or a star or range with a step. A day of the month may be `L` (the last), `LW`
//! (the last weekday from Monday to Friday) or `15W` (the weekday from Monday to Friday
//! that is nearest to the 15th, in the same month). A day of the week may be `FRIL` (the
//! last Friday of the month) or `FRI#2` (the second one). As in Quartz, `?` means `*` in
//! either day field. Nothing else is accepted: cron dialects differ, and a guess would fire
//! on the wrong day.
//!
//! Daylight saving time: an expression with one time of day (single values for seconds,
//! minutes and hours) fires once on each matching day. If the time does not exist on a day
//! (clocks go forward), it fires at the first moment after the gap. If the time exists
//! twice (clocks go back), it fires at the first one. Any other expression is an interval
//! and fires whenever the wall clock shows a matching time: never in the gap, and twice in
//! the repeated hour.

mod grammar;
mod wall_clock;

use crate::domain::Timestamp;
use croner::errors::CronError as CronerError;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use std::fmt;
use wall_clock::WallClock;

/// The longest expression, in characters.
pub const EXPRESSION_CHARS_MAX: usize = 200;
/// A cron that does not fire within so many years is a mistake. Two leap days around a
/// century can be eight years apart.
const YEARS_MAX: i16 = 9;

/// A cron expression in a time zone.
#[derive(Clone)]
pub struct Cron {
    pattern: croner::Cron,
    zone: TimeZone,
    expression: String,
    zone_name: String,
}

/// The reason for which a cron is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// The text is no expression.
    #[error("expected five fields (minute hour day month weekday) or six (seconds first): {0}")]
    Expression(String),
    /// The expression never fires.
    #[error("the expression never fires")]
    Never,
    /// The time zone does not exist.
    #[error("expected the name of an IANA time zone, such as Europe/Berlin, got {0:?}")]
    Zone(String),
}

impl Cron {
    /// Parses an expression and the name of a time zone, and checks that it fires after
    /// `now`.
    ///
    /// # Errors
    /// See [`CronError`].
    pub fn parse(expression: &str, zone: &str, now: Timestamp) -> Result<Self, CronError> {
        let cron = Self::parse_stored(expression, zone)?;
        match cron.next_after(now) {
            Some(_) => Ok(cron),
            None => Err(CronError::Never),
        }
    }

    /// Parses an expression that was checked before.
    ///
    /// # Errors
    /// See [`CronError`].
    pub fn parse_stored(expression: &str, zone: &str) -> Result<Self, CronError> {
        let expression = expression.trim();
        let fields = expression.split_whitespace().count();
        if expression.chars().count() > EXPRESSION_CHARS_MAX {
            let wrong = format!("more than {EXPRESSION_CHARS_MAX} characters");
            return Err(CronError::Expression(wrong));
        }
        // Nicknames such as `@daily` are one field.
        if !(5..=6).contains(&fields) {
            return Err(CronError::Expression(format!("got {fields}")));
        }
        grammar::check(expression).map_err(CronError::Expression)?;
        let mut days = expression.split_whitespace().skip(fields - 3).step_by(2);
        let unrestricted = days.any(|field| field.starts_with('*'));
        let pattern = CronParser::builder()
            .dom_and_dow(unrestricted)
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build()
            .parse(expression)
            .map_err(|error: CronerError| CronError::Expression(error.to_string()))?;
        let wrong_zone = |_| CronError::Zone(zone.chars().take(64).collect());
        Ok(Self {
            pattern,
            zone: TimeZone::get(zone).map_err(wrong_zone)?,
            expression: expression.to_owned(),
            zone_name: zone.to_owned(),
        })
    }

    /// The expression.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The time zone's name.
    pub fn zone(&self) -> &str {
        &self.zone_name
    }

    /// The first tick after `time`; none if there is none for years.
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        let start = jiff::Timestamp::from_microsecond(time.0).ok()?;
        let start = WallClock::new(start, &self.zone);
        let last_year = start.0.year().checked_add(YEARS_MAX)?;
        let next = self.pattern.find_next_occurrence(&start, false).ok()?.0;
        let tick = Timestamp(next.timestamp().as_microsecond());
        (next.year() <= last_year).then_some(tick)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.expression, self.zone_name)
    }
}

#[cfg(test)]
mod tests;
