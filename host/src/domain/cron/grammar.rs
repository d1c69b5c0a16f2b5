//! The grammar of a list entry. The parser accepts more, and reads some of it in a way that
//! no author means: it replaces names anywhere, so `1JAN` becomes November, and it ignores
//! empty entries.
//!
//! Never does: check bounds, which the parser does.

/// The fields of an expression with seconds, and the names of values in each.
const FIELDS: [(&str, &[&str]); 6] = [
    ("second", &[]),
    ("minute", &[]),
    ("hour", &[]),
    (DAY, &[]),
    (
        "month",
        &[
            "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
        ],
    ),
    (WEEKDAY, &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]),
];
const DAY: &str = "day";
const WEEKDAY: &str = "weekday";

/// Names the first entry of a five-field or six-field expression that is invalid.
pub(super) fn check(expression: &str) -> Result<(), String> {
    let fields: Vec<String> = expression
        .split_whitespace()
        .map(str::to_ascii_uppercase)
        .collect();
    let names = &FIELDS[FIELDS.len().saturating_sub(fields.len())..];
    for (field, (name, values)) in fields.iter().zip(names) {
        if field == "?" && [DAY, WEEKDAY].contains(name) {
            continue;
        }
        for entry in field.split(',') {
            if entry.is_empty() {
                return Err("a list has an empty entry".into());
            }
            let is_entry = is_common(entry, values)
                || (*name == DAY && is_day(entry))
                || (*name == WEEKDAY && is_weekday(entry, values));
            if !is_entry {
                return Err(format!("the {name} cannot be {entry:?}"));
            }
        }
        // The parser would ignore `L` beside `LW`.
        if field.split(',').any(|entry| entry == "L") && field.split(',').any(|entry| entry == "LW")
        {
            return Err(format!("the {name} cannot be both \"L\" and \"LW\""));
        }
    }
    Ok(())
}

/// A star, a value or a range, and a star or a range with a step.
fn is_common(entry: &str, values: &[&str]) -> bool {
    let (base, step) = match entry.split_once('/') {
        Some((base, step)) => (base, Some(step)),
        None => (entry, None),
    };
    let is_many = base == "*"
        || base
            .split_once('-')
            .is_some_and(|(from, to)| is_value(from, values) && is_value(to, values));
    match step {
        Some(step) => is_many && is_number(step),
        None => is_many || is_value(base, values),
    }
}

fn is_day(entry: &str) -> bool {
    matches!(entry, "L" | "LW") || entry.strip_suffix('W').is_some_and(is_number)
}

fn is_weekday(entry: &str, values: &[&str]) -> bool {
    let last = entry.strip_suffix('L');
    let nth = entry.split_once('#').filter(|(_, nth)| is_number(nth));
    last.or(nth.map(|(weekday, _)| weekday))
        .is_some_and(|weekday| is_value(weekday, values))
}

fn is_value(text: &str, values: &[&str]) -> bool {
    is_number(text) || values.contains(&text)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
