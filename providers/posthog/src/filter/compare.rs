//! Compares values by type. Nothing is converted: the text `"5"` and the number `5` differ, as
//! they do in PostHog.

use serde_json::{Number, Value};
use std::cmp::Ordering;

/// True for equal values. `1` and `1.0` are equal.
pub fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => order(one, other) == Some(Ordering::Equal),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is_equal(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same = |(key, value): (&String, &Value)| {
                other.get(key).is_some_and(|other| is_equal(value, other))
            };
            one.len() == other.len() && one.iter().all(same)
        }
        _ => one == other,
    }
}

/// The order of two numbers, exact beyond 2^53 too.
pub fn order(one: &Number, other: &Number) -> Option<Ordering> {
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        (Some(one), None) => Some(order_with_fraction(one, other.as_f64()?)),
        (None, Some(other)) => Some(order_with_fraction(other, one.as_f64()?).reverse()),
        (None, None) => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

fn whole(number: &Number) -> Option<i128> {
    number
        .as_i64()
        .map(i128::from)
        .or_else(|| number.as_u64().map(i128::from))
}

/// The order of a whole number and a float. JSON has neither infinities nor NaN, and the cast
/// saturates beyond every whole number that the JSON reader keeps.
fn order_with_fraction(whole: i128, other: f64) -> Ordering {
    whole
        .cmp(&(other.trunc() as i128))
        .then_with(|| 0.0.partial_cmp(&other.fract()).unwrap_or(Ordering::Equal))
}

/// The type of a value, for a reason.
pub fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_compared_as_numbers_and_exactly() {
        let cases = [
            (json!(1), json!(1.0), Ordering::Equal),
            (json!(-1), json!(-1.5), Ordering::Greater),
            (json!(1.5), json!(2), Ordering::Less),
            (json!(0.1), json!(0.1), Ordering::Equal),
            (
                json!(9_007_199_254_740_993_u64),
                json!(9_007_199_254_740_992.0),
                Ordering::Greater,
            ),
            (json!(u64::MAX), json!(u64::MAX), Ordering::Equal),
            (json!(u64::MAX), json!(i64::MIN), Ordering::Greater),
            (json!(u64::MAX), json!(1e300), Ordering::Less),
            (json!(i64::MIN), json!(-1e300), Ordering::Greater),
            (json!(0), json!(-0.0), Ordering::Equal),
        ];
        for (one, other, expected) in cases {
            let (Value::Number(a), Value::Number(b)) = (&one, &other) else {
                panic!()
            };
            assert_eq!(order(a, b), Some(expected), "{one} {other}");
            assert_eq!(order(b, a), Some(expected.reverse()), "{other} {one}");
            assert_eq!(is_equal(&one, &other), expected == Ordering::Equal);
        }
    }

    #[test]
    fn values_of_two_types_are_never_equal() {
        let values = [
            json!(null),
            json!(false),
            json!(0),
            json!(""),
            json!("0"),
            json!("false"),
            json!([]),
            json!([0]),
            json!({}),
        ];
        for (i, one) in values.iter().enumerate() {
            for (j, other) in values.iter().enumerate() {
                assert_eq!(is_equal(one, other), i == j, "{one} {other}");
            }
        }
    }

    #[test]
    fn lists_and_objects_are_equal_in_all_their_parts() {
        let one = json!({"a": [1, {"b": 2}], "c": "d"});
        assert!(is_equal(&one, &json!({"c": "d", "a": [1.0, {"b": 2.0}]})));
        assert!(!is_equal(&one, &json!({"c": "d", "a": [{"b": 2}, 1]})));
        assert!(!is_equal(&one, &json!({"a": [1, {"b": 2}]})));
        assert!(!is_equal(&json!([1]), &json!([1, 2])));
    }
}
