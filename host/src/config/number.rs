//! Numbers with a unit and bounds.
//!
//! Owns: [`Seconds`], [`Millis`], [`Days`], [`Bytes`] and [`Count`]. Each refuses a value
//! outside its bounds while it is read, so a `Config` never holds one.
//! Never does: relations between two settings; see `relations.rs`.

use super::setting::Setting;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// A week in seconds: the longest time that a setting may have. A longer one is a
/// mistake, and adding this to a time cannot overflow.
pub const WEEK: u64 = 7 * 24 * 60 * 60;
/// A week in milliseconds.
pub const WEEK_MS: u64 = WEEK * 1_000;
/// A century in days: no row is kept longer, and subtracting it from a time cannot
/// overflow.
pub const CENTURY: u64 = 36_500;
/// The largest `i32`, for numbers that the database stores in four bytes.
pub const I32_MAX: u64 = i32::MAX as u64;
/// The largest `u32`.
pub const U32_MAX: u64 = u32::MAX as u64;
/// The largest integer of TOML: as good as no bound.
pub const UNBOUNDED: u64 = i64::MAX as u64;

/// The unit of a number, as error messages show it.
pub trait Unit {
    /// The unit with a space before it; empty for a plain number.
    const SUFFIX: &'static str;
}

macro_rules! units {
    ($($alias:ident of $unit:ident = $suffix:literal;)+) => {$(
        #[doc = concat!("The unit of [`", stringify!($alias), "`].")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $unit;

        impl Unit for $unit {
            const SUFFIX: &'static str = $suffix;
        }

        #[doc = concat!("A setting between `MIN` and `MAX`", $suffix, ", both included.")]
        pub type $alias<const MIN: u64, const MAX: u64> = Number<$unit, MIN, MAX>;
    )+};
}

units! {
    Seconds of Second = " seconds";
    Millis of Millisecond = " milliseconds";
    Days of Day = " days";
    Bytes of Byte = " bytes";
    Count of One = "";
}

/// A number of units between `MIN` and `MAX`, both included.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Number<U, const MIN: u64, const MAX: u64>(u64, PhantomData<U>);

impl<U: Unit, const MIN: u64, const MAX: u64> Number<U, MIN, MAX> {
    /// The number, or nothing if it is out of bounds.
    pub const fn new(number: u64) -> Option<Self> {
        if MIN <= number && number <= MAX {
            Some(Self(number, PhantomData))
        } else {
            None
        }
    }

    /// The number.
    pub const fn u64(self) -> u64 {
        self.0
    }

    /// The number; does not compile if `MAX` does not fit.
    pub const fn u32(self) -> u32 {
        const { assert!(MAX <= U32_MAX, "MAX does not fit into a u32") };
        self.0 as u32
    }

    /// The number; does not compile if `MAX` does not fit.
    pub const fn i32(self) -> i32 {
        const { assert!(MAX <= I32_MAX, "MAX does not fit into an i32") };
        self.0 as i32
    }

    /// The number; does not compile if `MAX` does not fit.
    pub const fn usize(self) -> usize {
        const { assert!(MAX <= usize::MAX as u64, "MAX does not fit into a usize") };
        self.0 as usize
    }
}

impl<const MIN: u64, const MAX: u64> Seconds<MIN, MAX> {
    /// The time.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl<const MIN: u64, const MAX: u64> Millis<MIN, MAX> {
    /// The time.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl<const MIN: u64, const MAX: u64> Days<MIN, MAX> {
    /// The time.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 * 24 * 60 * 60)
    }
}

impl<U: Unit, const MIN: u64, const MAX: u64> Setting for Number<U, MIN, MAX> {}

impl<U, const MIN: u64, const MAX: u64> fmt::Debug for Number<U, MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<U, const MIN: u64, const MAX: u64> fmt::Display for Number<U, MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, U: Unit, const MIN: u64, const MAX: u64> Deserialize<'de> for Number<U, MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(NumberVisitor(PhantomData))
    }
}

struct NumberVisitor<U, const MIN: u64, const MAX: u64>(PhantomData<U>);

impl<U: Unit, const MIN: u64, const MAX: u64> NumberVisitor<U, MIN, MAX> {
    fn refused<E: Error>(&self, got: impl fmt::Display) -> E {
        let expected: &dyn serde::de::Expected = self;
        E::custom(format_args!("expected {expected}, got {got}"))
    }
}

impl<U: Unit, const MIN: u64, const MAX: u64> Visitor<'_> for NumberVisitor<U, MIN, MAX> {
    type Value = Number<U, MIN, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match MAX {
            UNBOUNDED => write!(f, "{MIN} or more{}", U::SUFFIX),
            _ => write!(f, "{MIN} to {MAX}{}", U::SUFFIX),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        let valid = u64::try_from(number).ok().and_then(Number::new);
        valid.ok_or_else(|| self.refused(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Number::new(number).ok_or_else(|| self.refused(number))
    }
}
