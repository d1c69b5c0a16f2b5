//! Lenient readers for Sentry's own formats, beside the SDK's. No filter decides on what they
//! read.

use serde_json::Value;
use triggerhouse_sdk::limits::TIME_US_MAX;
use triggerhouse_sdk::prelude::*;

/// The count at `pointer`, which Sentry writes as text or as a number.
pub fn count(payload: &Payload<'_>, pointer: &str) -> Option<u64> {
    match payload.value_at(pointer)? {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    }
}

/// The time at `pointer` in microseconds since 1970: text, or seconds with a fraction.
pub fn moment(payload: &Payload<'_>, pointer: &str) -> Option<u64> {
    let Some(seconds) = payload.value_at(pointer).and_then(Value::as_f64) else {
        return payload.moment(&[pointer]);
    };
    let us = (seconds * 1e6).round();
    // The bounds exclude negative, infinite and enormous times, so the cast is exact.
    let is_time = us >= 0.0 && us < TIME_US_MAX as f64;
    is_time.then_some(us as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_count_is_a_number_or_its_digits() {
        let value =
            json!({"a": "12", "b": 12, "c": "-1", "d": "twelve", "e": -1, "f": 1.5, "g": []});
        let count = |pointer| count(&Payload::new(&value), pointer);
        assert_eq!((count("/a"), count("/b")), (Some(12), Some(12)));
        for pointer in ["/c", "/d", "/e", "/f", "/g", "/h"] {
            assert_eq!(count(pointer), None, "{pointer}");
        }
    }

    #[test]
    fn a_moment_is_text_or_seconds_with_a_fraction() {
        let value = json!({
            "text": "2026-03-02T09:30:00.500000Z", "fraction": 1_603_322_711.147_672, "whole": 5,
            "negative": -1.5, "enormous": 1.5e300, "limit": 9_007_199_254.740_992, "bad": "today", "list": [1]
        });
        let moment = |pointer| moment(&Payload::new(&value), pointer);
        assert_eq!(moment("/text"), Some(1_772_443_800_500_000));
        assert_eq!(moment("/fraction"), Some(1_603_322_711_147_672));
        assert_eq!(moment("/whole"), Some(5_000_000));
        for pointer in ["/negative", "/enormous", "/limit", "/bad", "/list", "/none"] {
            assert_eq!(moment(pointer), None, "{pointer}");
        }
    }
}
