//! The time of a signature, and its distance from the time of receipt.

use crate::domain::Timestamp;
use crate::domain::source::{TimestampRule, TimestampSource, TimestampUnit};
use crate::verify::pointer::BodyValue;
use crate::verify::{Request, VerifyError, signature};
use std::borrow::Cow;

const MICROS_PER_SECOND: u64 = 1_000_000;

/// A timestamp as the sender wrote it.
pub(super) struct Stamp<'a> {
    text: Cow<'a, [u8]>,
    /// A JSON number may have a fraction; text may not.
    is_number: bool,
}

impl<'a> Stamp<'a> {
    /// A timestamp from a header.
    pub(super) fn new(text: impl Into<Cow<'a, [u8]>>) -> Self {
        Self {
            text: text.into(),
            is_number: false,
        }
    }

    /// The bytes that are signed.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Parses the timestamp.
    ///
    /// # Errors
    /// `MalformedTimestamp` for anything but digits or a nonnegative JSON number.
    pub(super) fn time(&self, unit: TimestampUnit) -> Result<Timestamp, VerifyError> {
        let count = self.count().ok_or(VerifyError::MalformedTimestamp)?;
        let micros = match unit {
            TimestampUnit::Seconds => count.checked_mul(1_000_000),
            TimestampUnit::Milliseconds => count.checked_mul(1_000),
        };
        micros.map(Timestamp).ok_or(VerifyError::MalformedTimestamp)
    }

    fn count(&self) -> Option<i64> {
        let text = std::str::from_utf8(&self.text).ok()?;
        // `parse` alone would accept a sign.
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok();
        }
        // Some senders write milliseconds with a fraction.
        let number: f64 = self.is_number.then(|| text.parse().ok())??;
        // A float holds every integer up to 2^53, so the cast loses only the fraction.
        (0.0..9_007_199_254_740_992.0)
            .contains(&number)
            .then_some(number as i64)
    }
}

/// The timestamp at the first of the rule's sources that has one. `signature_list` is the
/// value of the signature header if that is a list.
///
/// # Errors
/// `Repeated` if a header or an entry occurs twice, `MalformedTimestamp` if a pointer leads
/// to something other than a string or a number.
pub(super) fn find<'a>(
    rule: &TimestampRule,
    request: &Request<'a>,
    signature_list: Option<&'a [u8]>,
) -> Result<Option<Stamp<'a>>, VerifyError> {
    for source in &rule.sources {
        let found = match source {
            TimestampSource::Header(name) => request.sole_header(name)?.map(Stamp::new),
            TimestampSource::ListField(name) => match signature_list {
                Some(value) => sole_field(value, name)?.map(Stamp::new),
                None => None,
            },
            TimestampSource::BodyPointer(pointer) => match request.body_value(pointer) {
                None | Some(BodyValue::Null) => None,
                Some(BodyValue::String(text)) => Some(Stamp::new(text.clone().into_bytes())),
                Some(BodyValue::Number(text)) => Some(Stamp {
                    text: Cow::Owned(text.clone().into_bytes()),
                    is_number: true,
                }),
                Some(BodyValue::Bool(_) | BodyValue::Other) => {
                    return Err(VerifyError::MalformedTimestamp);
                }
            },
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn sole_field<'a>(value: &'a [u8], name: &str) -> Result<Option<&'a [u8]>, VerifyError> {
    let mut values = signature::list_field(value, name);
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(VerifyError::Repeated),
    }
}

/// A timestamp as senders write it.
pub(super) fn digits(time: Timestamp, unit: TimestampUnit) -> String {
    match unit {
        TimestampUnit::Seconds => time.0.div_euclid(1_000_000).to_string(),
        TimestampUnit::Milliseconds => time.0.div_euclid(1_000).to_string(),
    }
}

/// Checks that `time` lies within `tolerance_seconds` of the time of receipt, bounds
/// included.
///
/// # Errors
/// `Stale` or `Future`, with the distance in whole seconds.
pub(super) fn check(
    time: Timestamp,
    tolerance_seconds: u32,
    received_at: Timestamp,
) -> Result<(), VerifyError> {
    let age_micros = received_at.micros_since(time);
    let distance_micros = age_micros.unsigned_abs();
    if distance_micros <= u64::from(tolerance_seconds) * MICROS_PER_SECOND {
        return Ok(());
    }
    let seconds = distance_micros / MICROS_PER_SECOND;
    if age_micros > 0 {
        Err(VerifyError::Stale { seconds })
    } else {
        Err(VerifyError::Future { seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_a_timestamp() {
        let time = |text: &'static str| Stamp::new(text.as_bytes()).time(TimestampUnit::Seconds);
        assert_eq!(time("1614265330"), Ok(Timestamp(1_614_265_330_000_000)));
        for text in [
            "",
            " 1",
            "1 ",
            "+1",
            "-1",
            "1.5",
            "1e9",
            "0x1",
            "now",
            "\u{661}",
            "99999999999999999999",
            "9223372036854775807",
        ] {
            assert_eq!(time(text), Err(VerifyError::MalformedTimestamp), "{text:?}");
        }
    }

    #[test]
    fn a_json_number_may_have_a_fraction_but_not_be_negative_or_endless() {
        let time = |text: &'static str| {
            let stamp = Stamp {
                text: text.as_bytes().into(),
                is_number: true,
            };
            stamp.time(TimestampUnit::Milliseconds)
        };
        assert_eq!(time("1676056940508"), Ok(Timestamp(1_676_056_940_508_000)));
        assert_eq!(
            time("1676056940508.9"),
            Ok(Timestamp(1_676_056_940_508_000))
        );
        assert_eq!(time("1.676e12"), Ok(Timestamp(1_676_000_000_000_000)));
        for text in ["-1", "-0.5", "1e400", "1e300", "inf", "NaN"] {
            assert_eq!(time(text), Err(VerifyError::MalformedTimestamp), "{text:?}");
        }
    }

    #[test]
    fn the_tolerance_is_exact_and_holds_either_way() {
        let received_at = Timestamp(1_000_000_000);
        let checked = |micros: i64| check(Timestamp(1_000_000_000 + micros), 60, received_at);
        assert_eq!(checked(-60_000_000), Ok(()));
        assert_eq!(checked(60_000_000), Ok(()));
        assert_eq!(
            checked(-60_000_001),
            Err(VerifyError::Stale { seconds: 60 })
        );
        assert_eq!(
            checked(61_500_000),
            Err(VerifyError::Future { seconds: 61 })
        );
    }
}
