//! The field `properties`: parses a condition and applies it to an event.

use super::compare::{is_equal, order, type_of};
use super::config::{Condition, Operator};
use crate::facts::{CREDENTIALS, Facts, Found, first_step};
use regex_lite::{Regex, RegexBuilder};
use serde_json::{Number, Value};
use std::cmp::Ordering;
use triggerhouse_sdk::checks::Check;
use triggerhouse_sdk::{Payload, shorten};

/// Bytes of the JSON of a condition's value.
const VALUE_BYTES_MAX: usize = 4_096;
/// Bytes of a regular expression.
const PATTERN_BYTES_MAX: usize = 256;
/// Bytes of a compiled one: `(a{100}){100}` is short and has ten thousand steps.
const PATTERN_COMPILED_BYTES_MAX: usize = 32_768;
/// Nested groups.
const PATTERN_NESTING_MAX: u32 = 16;
/// Bytes of a searched text. The time of a search is their number times the size of the
/// expression.
const SEARCHED_BYTES_MAX: usize = 8_192;
/// Bytes of a value in a reason.
const SHOWN_BYTES_MAX: usize = 80;

/// A condition that is ready to check events.
pub struct Test<'a> {
    key: &'a str,
    ask: Ask<'a>,
}

enum Ask<'a> {
    Eq(&'a Value),
    Neq(&'a Value),
    Contains(&'a Value),
    Regex(Regex),
    Exists(bool),
    Than(Ordering, Limit<'a>),
}

enum Limit<'a> {
    Number(&'a Number),
    /// Microseconds since 1970, and the text.
    Time(u64, &'a str),
}

impl<'a> Test<'a> {
    /// Parses a condition.
    ///
    /// # Errors
    /// The reason, if it makes no sense.
    pub fn of(condition: &'a Condition) -> Result<Self, String> {
        let key = condition.key.as_str();
        let error = |reason: &str| {
            let key = shorten(key, SHOWN_BYTES_MAX);
            Err(format!("properties: `{key}`: {reason}"))
        };
        if CREDENTIALS.contains(&first_step(key).0.as_ref()) {
            return error("is a credential, which is never kept");
        }
        let value = condition.value.as_ref().filter(|value| !value.is_null());
        let ask = match (condition.op, value) {
            (Operator::Exists, None | Some(Value::Bool(true))) => Ask::Exists(true),
            (Operator::Exists, Some(Value::Bool(false))) => Ask::Exists(false),
            (Operator::Exists, Some(_)) => {
                return error("`exists` needs true, false or no value");
            }
            (_, None) => {
                return error(
                    "a value is required; `exists` with false matches a missing property",
                );
            }
            (_, Some(value)) if value.to_string().len() > VALUE_BYTES_MAX => {
                return error(&format!("a value has at most {VALUE_BYTES_MAX} bytes"));
            }
            (Operator::Eq, Some(value)) => Ask::Eq(value),
            (Operator::Neq, Some(value)) => Ask::Neq(value),
            (Operator::Contains, Some(value)) if value == "" => {
                return error("`contains` needs a value that is not in every text");
            }
            (Operator::Contains, Some(value)) => Ask::Contains(value),
            (Operator::Regex, Some(value)) => match compiled(value) {
                Ok(regex) => Ask::Regex(regex),
                Err(reason) => return error(&reason),
            },
            (Operator::Gt | Operator::Lt, Some(value)) => {
                let Some(limit) = limit(value) else {
                    return error("`gt` and `lt` need a number or an RFC 3339 time");
                };
                let is_gt = condition.op == Operator::Gt;
                let wanted = if is_gt {
                    Ordering::Greater
                } else {
                    Ordering::Less
                };
                Ask::Than(wanted, limit)
            }
        };
        Ok(Self { key, ask })
    }

    /// Passes if the event satisfies the condition.
    ///
    /// # Errors
    /// The reason otherwise.
    pub fn check(&self, facts: &Facts) -> Check {
        let outcome = match (facts.property(self.key), &self.ask) {
            (Found::Value(_) | Found::Omitted, Ask::Exists(true))
            | (Found::Missing, Ask::Exists(false)) => Ok(()),
            (Found::Value(_) | Found::Omitted, Ask::Exists(false)) => {
                Err("the event has it".to_owned())
            }
            (Found::Missing, _) => Err("the event does not have it".to_owned()),
            (Found::Omitted, _) => Err("too large to be kept, so it was not compared".to_owned()),
            (Found::Unknown, _) => {
                Err("the event was too large to be kept whole, so it was not compared".to_owned())
            }
            (Found::Value(value), ask) => ask.of(value),
        };
        let key = shorten(self.key, SHOWN_BYTES_MAX);
        outcome.map_err(|reason| format!("properties: `{key}`: {reason}"))
    }
}

impl Ask<'_> {
    fn of(&self, value: &Value) -> Check {
        match self {
            Self::Eq(wanted) if is_equal(value, wanted) => Ok(()),
            Self::Eq(wanted) => Err(not_equal(value, wanted)),
            Self::Neq(unwanted) if is_equal(value, unwanted) => Err(format!("is {}", shown(value))),
            Self::Neq(_) | Self::Exists(_) => Ok(()),
            Self::Contains(wanted) => contains(value, wanted),
            Self::Regex(regex) => found_in(value, regex),
            Self::Than(ordering, limit) => than(value, *ordering, limit),
        }
    }
}

fn not_equal(value: &Value, wanted: &Value) -> String {
    let (one, other) = (type_of(value), type_of(wanted));
    let (value, wanted) = (shown(value), shown(wanted));
    if one == other {
        format!("{value} is not {wanted}")
    } else {
        format!("{value} is {one}, {wanted} is {other}")
    }
}

fn contains(value: &Value, wanted: &Value) -> Check {
    let contained = match (value, wanted) {
        (Value::String(value), Value::String(wanted)) => value.contains(wanted.as_str()),
        (Value::Array(items), wanted) => items.iter().any(|item| is_equal(item, wanted)),
        (Value::String(_), _) => return Err(format!("a text cannot contain {}", shown(wanted))),
        _ => return Err(format!("is {}, which contains nothing", type_of(value))),
    };
    if contained {
        return Ok(());
    }
    Err(format!(
        "{} does not contain {}",
        shown(value),
        shown(wanted)
    ))
}

fn found_in(value: &Value, regex: &Regex) -> Check {
    let Value::String(text) = value else {
        return Err(format!("is {}, not a text", type_of(value)));
    };
    if text.len() > SEARCHED_BYTES_MAX {
        return Err(format!(
            "has more than {SEARCHED_BYTES_MAX} bytes, so it was not searched"
        ));
    }
    if regex.is_match(text) {
        return Ok(());
    }
    let pattern = shorten(regex.as_str(), SHOWN_BYTES_MAX);
    Err(format!("{} does not match {pattern}", shown(value)))
}

fn than(value: &Value, wanted: Ordering, limit: &Limit<'_>) -> Check {
    let (ordering, shown_limit) = match (limit, value) {
        (Limit::Number(limit), Value::Number(number)) => (order(number, limit), limit.to_string()),
        (Limit::Time(limit, text), Value::String(_)) => match time(value) {
            Some(time) => (Some(time.cmp(limit)), (*text).to_owned()),
            None => return Err(format!("{} is not an RFC 3339 time", shown(value))),
        },
        (Limit::Number(_), _) => return Err(format!("is {}, not a number", type_of(value))),
        (Limit::Time(..), _) => return Err(format!("is {}, not a time", type_of(value))),
    };
    if ordering == Some(wanted) {
        return Ok(());
    }
    let word = if wanted == Ordering::Greater {
        "greater"
    } else {
        "less"
    };
    let shown_limit = shorten(&shown_limit, SHOWN_BYTES_MAX);
    Err(format!("{} is not {word} than {shown_limit}", shown(value)))
}

fn compiled(value: &Value) -> Result<Regex, String> {
    let Value::String(pattern) = value else {
        return Err(format!("`regex` needs a text, not {}", type_of(value)));
    };
    if pattern.is_empty() || pattern.len() > PATTERN_BYTES_MAX {
        return Err(format!(
            "a regular expression has 1 to {PATTERN_BYTES_MAX} bytes"
        ));
    }
    RegexBuilder::new(pattern)
        .size_limit(PATTERN_COMPILED_BYTES_MAX)
        .nest_limit(PATTERN_NESTING_MAX)
        .build()
        .map_err(|error| format!("not a regular expression: {error}"))
}

fn limit(value: &Value) -> Option<Limit<'_>> {
    match value {
        Value::Number(number) => Some(Limit::Number(number)),
        Value::String(text) => time(value).map(|time| Limit::Time(time, text)),
        _ => None,
    }
}

/// The time in a text, if it is 1970 or later.
fn time(text: &Value) -> Option<u64> {
    Payload::new(text).time_opt("").ok().flatten()
}

fn shown(value: &Value) -> String {
    shorten(&value.to_string(), SHOWN_BYTES_MAX)
}
