//! Building blocks for [`Filter::matches`](super::Filter::matches): each check
//! says what was wrong, and the first that does rejects the event. A reason starts
//! with the name of the configuration's field.

use crate::contract::types::Verdict;
use crate::{facts::shorten, glob};

/// Reasons are for a person's screen.
const REASON_BYTES_MAX: usize = 300;

/// A field's opinion: why it rejects.
pub type Check = Result<(), String>;

/// Makes a verdict of what is wrong with the configuration, if anything is, and of
/// what all checks say.
pub fn verdict(config: Check, checks: impl FnOnce() -> Check) -> Verdict {
    if let Err(reason) = config {
        return Verdict::InvalidConfig(shorten(&reason, REASON_BYTES_MAX));
    }
    match checks() {
        Ok(()) => Verdict::Accept,
        Err(reason) => Verdict::Reject(shorten(&reason, REASON_BYTES_MAX)),
    }
}

/// Whether one of the event's values satisfies one of those wanted; `wanted` empty
/// asks for nothing.
///
/// # Errors
/// The reason, if none does.
pub fn any<'a>(
    field: &str,
    wanted: &[String],
    values: impl IntoIterator<Item = &'a str>,
    satisfies: fn(&str, &str) -> bool,
) -> Check {
    if wanted.is_empty() {
        return Ok(());
    }
    let mut seen = Vec::new();
    for value in values {
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

/// Whether an event's kind is asked for: by itself, `issues.opened`, or by what
/// stands before its first dot, `issues`.
///
/// # Errors
/// The reason, if it is not.
pub fn events(kind: &str, family: &str, wanted: &[String]) -> Check {
    if wanted.is_empty()
        || wanted
            .iter()
            .any(|wanted| wanted == family || wanted == kind)
    {
        return Ok(());
    }
    Err(format!("events: {kind} is not among {}", list(wanted)))
}

/// Whether two texts are the same but for the case of their letters.
pub fn same(wanted: &str, value: &str) -> bool {
    wanted == value || wanted.to_lowercase() == value.to_lowercase()
}

/// Whether two texts are the same.
pub fn equal(wanted: &str, value: &str) -> bool {
    wanted == value
}

/// Checks the globs of a configuration's field.
///
/// # Errors
/// The reason, if one of them is broken.
pub fn globs(field: &str, patterns: &[String]) -> Check {
    for pattern in patterns {
        glob::check(pattern).map_err(|error| format!("{field}: `{pattern}`: {error}"))?;
    }
    Ok(())
}

/// Texts for a reason, cut when there are many.
pub fn list(texts: &[String]) -> String {
    shorten(&texts.join(", "), REASON_BYTES_MAX / 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_the_field_and_both_sides() {
        let wanted = ["a".to_owned(), "b".to_owned()];
        assert_eq!(any("labels", &[], [], equal), Ok(()));
        assert_eq!(any("labels", &wanted, ["x", "B"], same), Ok(()));
        assert_eq!(
            any("labels", &wanted, ["x", "B"], equal),
            Err("labels: x, B does not match a, b".into())
        );
        assert_eq!(
            any("labels", &wanted, [], equal),
            Err("labels: the event has none".into())
        );
    }

    #[test]
    fn an_event_is_asked_for_by_its_family_or_its_kind() {
        let wanted = |wanted: &str| events("issues.opened", "issues", &[wanted.to_owned()]);
        assert!(wanted("issues").is_ok() && wanted("issues.opened").is_ok());
        assert_eq!(
            wanted("issues.closed"),
            Err("events: issues.opened is not among issues.closed".into())
        );
    }
}
