//! A fresh timestamp in a body, for services that sign one there.

use crate::domain::Timestamp;
use crate::domain::source::{TimestampSource, VerificationScheme, WebhookScheme};
use crate::secret::Secret;
use crate::verify::{sign, timestamp};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

/// `body` as the service would send it at `now`: with the timestamp that the scheme of
/// `secret` expects in the body, if any. Every other byte stays the same.
pub fn stamped<'a>(
    source: &WebhookScheme,
    secret: &Secret,
    body: &'a [u8],
    now: Timestamp,
) -> Cow<'a, [u8]> {
    let mut schemes = source.verification.iter();
    let rule = match schemes.find(|scheme| sign::is_usable(scheme, secret)) {
        Some(VerificationScheme::Hmac(scheme)) => scheme.timestamp.as_ref(),
        _ => None,
    };
    let stamped = rule.and_then(|rule| {
        let pointer = rule.sources.iter().find_map(pointer)?;
        let text = std::str::from_utf8(body).ok()?;
        put(text, pointer, &timestamp::digits(now, rule.unit))
    });
    stamped.map_or(Cow::Borrowed(body), |text| Cow::Owned(text.into_bytes()))
}

fn pointer(source: &TimestampSource) -> Option<&str> {
    match source {
        TimestampSource::BodyPointer(pointer) => Some(pointer.strip_prefix('/')?),
        TimestampSource::Header(_) | TimestampSource::ListField(_) => None,
    }
}

/// The JSON object `text` with `value` at `path`; none if the path leads nowhere.
fn put(text: &str, path: &str, value: &str) -> Option<String> {
    let (token, rest) = match path.split_once('/') {
        Some((token, rest)) => (token, Some(rest)),
        None => (path, None),
    };
    let name = token.replace("~1", "/").replace("~0", "~");
    let members: HashMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    let Some(member) = members.get(&name) else {
        return match rest {
            Some(_) => None,
            None => Some(insert(text, &name, value, members.is_empty())),
        };
    };
    let new = match rest {
        Some(rest) => put(member.get(), rest, value)?,
        None => value.to_owned(),
    };
    // A raw value borrows from the text that it was read from.
    let start = member.get().as_ptr() as usize - text.as_ptr() as usize;
    let end = start + member.get().len();
    Some(format!("{}{new}{}", &text[..start], &text[end..]))
}

/// The object with a new first member.
fn insert(object: &str, name: &str, value: &str, is_empty: bool) -> String {
    let (before, after) = object.split_once('{').unwrap_or(("", "}"));
    let comma = if is_empty { "" } else { "," };
    let name = serde_json::Value::from(name);
    format!("{before}{{{name}:{value}{comma}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_value_changes() {
        let cases = [
            (r#"{ "t" : 1, "a": "é" }"#, "t", r#"{ "t" : 7, "a": "é" }"#),
            (
                r#"{"a":{"t":"1","b":[1, 2]}}"#,
                "a/t",
                r#"{"a":{"t":7,"b":[1, 2]}}"#,
            ),
            (r#" {"a": 1}"#, "t", r#" {"t":7,"a": 1}"#),
            ("{}", "t", r#"{"t":7}"#),
            (r#"{"a/b": 1}"#, "a~1b", r#"{"a/b": 7}"#),
        ];
        for (text, path, expected) in cases {
            assert_eq!(put(text, path, "7").as_deref(), Some(expected));
        }
        for (text, path) in [("[]", "t"), ("no json", "t"), (r#"{"a":1}"#, "b/t")] {
            assert_eq!(put(text, path, "7"), None, "{text}");
        }
    }
}
