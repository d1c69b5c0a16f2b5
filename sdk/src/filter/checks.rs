//! Building blocks for [`Filter::matches`](super::Filter::matches). Each check passes or
//! returns a reason, and the first reason rejects the event. A reason starts with the name
//! of the configuration's field.

use crate::contract::types::Verdict;
use crate::glob;
use crate::text::shorten;

/// Bytes of a reason: people read it on a screen.
const REASON_BYTES_MAX: usize = 300;

/// The result of one check: the reason, if it rejects.
pub type Check = Result<(), String>;

/// The verdict that follows from the check of the configuration and the checks of the
/// event.
pub fn verdict(config: Check, checks: impl FnOnce() -> Check) -> Verdict {
    if let Err(reason) = config {
        return Verdict::InvalidConfig(shorten(&reason, REASON_BYTES_MAX));
    }
    match checks() {
        Ok(()) => Verdict::Accept,
        Err(reason) => Verdict::Reject(shorten(&reason, REASON_BYTES_MAX)),
    }
}

/// Passes if one of the event's values satisfies one wanted entry, or no entry is given.
///
/// # Errors
/// The reason otherwise.
pub fn any<V: AsRef<str>>(
    field: &str,
    wanted: &[String],
    values: impl IntoIterator<Item = V>,
    satisfies: fn(&str, &str) -> bool,
) -> Check {
    if wanted.is_empty() {
        return Ok(());
    }
    let mut seen = Vec::new();
    for value in values {
        let value = value.as_ref();
        if wanted.iter().any(|wanted| satisfies(wanted, value)) {
            return Ok(());
        }
        seen.push(value.to_owned());
    }
    if seen.is_empty() {
        return Err(format!("{field}: the event has none"));
    }
    let (seen, wanted) = (list(&seen), list(wanted));
    Err(format!("{field}: {seen} does not match {wanted}"))
}

/// Passes if an entry names the event's kind, `issues.opened`, or its family, `issues`.
/// The kind decides, not its two parts, because either part may contain dots.
///
/// # Errors
/// The reason otherwise.
pub fn events(
    kind: &str,
    family: &str,
    wanted: &[String],
    satisfies: fn(&str, &str) -> bool,
) -> Check {
    let asks = |wanted: &String| satisfies(wanted, family) || satisfies(wanted, kind);
    if wanted.is_empty() || wanted.iter().any(asks) {
        return Ok(());
    }
    Err(format!("events: {kind} is not among {}", list(wanted)))
}

/// Compares a yes-or-no field of the configuration with the event's value. `reason` says
/// what the value means: yes, no, or unknown.
///
/// # Errors
/// The reason, if the two differ or the value is unknown.
pub fn flag<R: Into<String>>(
    field: &str,
    wanted: Option<bool>,
    value: Option<bool>,
    reason: impl FnOnce(Option<bool>) -> R,
) -> Check {
    if wanted.is_none() || wanted == value {
        return Ok(());
    }
    Err(format!("{field}: {}", reason(value).into()))
}

/// True if two texts are equal, ignoring case.
pub fn same(wanted: &str, value: &str) -> bool {
    wanted == value || wanted.to_lowercase() == value.to_lowercase()
}

/// True if two texts are equal.
pub fn equal(wanted: &str, value: &str) -> bool {
    wanted == value
}

/// Checks the globs in a field of the configuration.
///
/// # Errors
/// The reason, if one of them is broken.
pub fn globs(field: &str, patterns: &[String]) -> Check {
    for pattern in patterns {
        glob::check(pattern).map_err(|error| format!("{field}: `{pattern}`: {error}"))?;
    }
    Ok(())
}

/// Texts joined for a reason; a long list is cut.
pub fn list(texts: &[String]) -> String {
    shorten(&texts.join(", "), REASON_BYTES_MAX / 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_the_field_and_both_sides() {
        let wanted = ["a".to_owned(), "b".to_owned()];
        let none: [&str; 0] = [];
        assert_eq!(any("labels", &[], none, equal), Ok(()));
        assert_eq!(any("labels", &wanted, ["x", "B"], same), Ok(()));
        assert_eq!(
            any("labels", &wanted, ["x", "B"], equal),
            Err("labels: x, B does not match a, b".into())
        );
        assert_eq!(
            any("labels", &wanted, none, equal),
            Err("labels: the event has none".into())
        );
    }

    #[test]
    fn an_entry_names_a_family_or_a_kind() {
        let wanted = |wanted: &str| events("issues.opened", "issues", &[wanted.to_owned()], equal);
        assert!(wanted("issues").is_ok() && wanted("issues.opened").is_ok());
        assert_eq!(
            wanted("issues.closed"),
            Err("events: issues.opened is not among issues.closed".into())
        );
        assert!(events("Issue.update", "Issue", &["ISSUE".into()], same).is_ok());
    }

    #[test]
    fn a_flag_that_is_unknown_matches_neither_yes_nor_no() {
        let check = |wanted, value| flag("draft", wanted, value, |value| format!("{value:?}"));
        assert!(check(None, None).is_ok() && check(Some(true), Some(true)).is_ok());
        assert_eq!(
            check(Some(true), Some(false)),
            Err("draft: Some(false)".into())
        );
        assert_eq!(check(Some(false), None), Err("draft: None".into()));
    }
}
