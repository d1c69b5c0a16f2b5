//! The headers of a message, `[{"name", "value"}]`.
//!
//! In public answers the API decodes `Subject` and the names in addresses, but it does not
//! promise to. So remaining encoded words (RFC 2047) are decoded here. `mail-parser` parses
//! addresses, because quoted names, comments, groups and commas are too much for a `split`.

use crate::facts::Address;
use mail_parser::parsers::MessageStream;
use serde_json::Value;
use std::borrow::Cow;
use triggerhouse_sdk::limits::NAME_BYTES_MAX;
use triggerhouse_sdk::one_line;
use triggerhouse_sdk::prelude::*;

/// Addresses kept of one header.
const ADDRESSES_MAX: usize = 500;
/// Bytes read of one header: far more than 500 addresses need.
const HEADER_BYTES_MAX: usize = 128 * 1024;

/// The headers of one message.
pub struct Headers<'a>(Vec<(&'a str, &'a str)>);

/// The addresses of one header.
#[derive(Debug, Default, PartialEq)]
pub struct Addresses {
    /// At most 500.
    pub list: Vec<Address>,
    /// True if there were more.
    pub truncated: bool,
}

impl<'a> Headers<'a> {
    /// The headers of a message.
    pub fn read(message: &Payload<'a>) -> Self {
        let headers = message
            .value_at("/payload/headers")
            .and_then(Value::as_array);
        let pair = |header: &'a Value| {
            Some((
                header.get("name")?.as_str()?,
                header.get("value")?.as_str()?,
            ))
        };
        Self(headers.into_iter().flatten().filter_map(pair).collect())
    }

    /// The first header of this name, undecoded, on one line.
    pub fn raw(&self, name: &str) -> Option<String> {
        line(self.values(name).next()?)
    }

    /// The first header of this name, decoded.
    pub fn text(&self, name: &str) -> Option<String> {
        let value = unfold(self.values(name).next()?);
        let decoded = if value.contains("=?") {
            let parsed = MessageStream::new(value.as_bytes()).parse_unstructured();
            parsed.into_text().unwrap_or_default()
        } else {
            Cow::Borrowed(value.trim())
        };
        line(&decoded)
    }

    /// The text between `<` and `>` in the first header of this name, or all of it without
    /// brackets.
    pub fn bracketed(&self, name: &str) -> Option<String> {
        let value = self.values(name).next()?;
        let inner = value
            .rsplit_once('<')
            .and_then(|(_, rest)| Some(rest.split_once('>')?.0));
        line(inner.unwrap_or(value))
    }

    /// The addresses in all headers of this name.
    pub fn addresses(&self, name: &str) -> Addresses {
        let mut addresses = Addresses::default();
        for value in self.values(name) {
            let whole = unfold(value);
            addresses.truncated |= whole.len() < value.len();
            let parsed = MessageStream::new(whole.as_bytes()).parse_address();
            let parsed = parsed.into_address().map(|address| address.into_list());
            for address in parsed.into_iter().flatten() {
                let Some(text) = address.address.filter(|text| !text.trim().is_empty()) else {
                    continue;
                };
                if addresses.list.len() == ADDRESSES_MAX {
                    addresses.truncated = true;
                    return addresses;
                }
                let name = address.name.map(|name| one_line(&name));
                addresses.list.push(Address {
                    name: name.filter(|name| !name.is_empty()),
                    address: shorten(text.trim(), NAME_BYTES_MAX),
                });
            }
        }
        addresses
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}

/// `text` on one line and cut, unless it is blank.
fn line(text: &str) -> Option<String> {
    let line = one_line(text);
    (!line.is_empty()).then(|| shorten(&line, NAME_BYTES_MAX))
}

/// One logical line, with the final newline that the parser needs. A line break within would end
/// the header.
fn unfold(value: &str) -> String {
    let end = value.floor_char_boundary(HEADER_BYTES_MAX);
    let mut line = value[..end].replace(['\r', '\n'], " ");
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with<T>(name: &str, value: &str, read: impl FnOnce(Headers<'_>) -> T) -> T {
        let message = json!({"payload": {"headers": [{"name": name, "value": value}]}});
        read(Headers::read(&Payload::new(&message)))
    }

    fn subject(value: &str) -> Option<String> {
        with("SUBJECT", value, |headers| headers.text("Subject"))
    }

    fn to(value: &str) -> Vec<(Option<String>, String)> {
        let addresses = with("To", value, |headers| headers.addresses("To"));
        let pair = |address: Address| (address.name, address.address);
        addresses.list.into_iter().map(pair).collect()
    }

    #[test]
    fn an_encoded_subject_is_decoded() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(subject("Grüße 🍞"), some("Grüße 🍞"));
        assert_eq!(
            subject("=?UTF-8?B?R3LDvMOfZQ==?= aus Wien"),
            some("Grüße aus Wien")
        );
        assert_eq!(
            subject("=?iso-8859-1?Q?Gr=FC=DFe?=\r\n =?utf-8?q?_an_alle?="),
            some("Grüße an alle")
        );
        assert_eq!(subject("a =?b"), some("a =?b"));
        assert_eq!(subject("Zwei\r\n\tZeilen"), some("Zwei Zeilen"));
        assert_eq!(subject(" \r\n"), None);
        assert_eq!(subject("50 % =? 100"), some("50 % =? 100"));
    }

    #[test]
    fn addresses_are_parsed() {
        let pair = |name: &str, address: &str| (Some(name.to_owned()), address.to_owned());
        let bare = |address: &str| (None, address.to_owned());
        assert_eq!(to("a@example.com"), [bare("a@example.com")]);
        assert_eq!(to("<a@example.com>"), [bare("a@example.com")]);
        assert_eq!(
            to(r#""Doe, Jane" <jane@example.com>, Jörg <j@example.com>,b@example.com"#),
            [
                pair("Doe, Jane", "jane@example.com"),
                pair("Jörg", "j@example.com"),
                bare("b@example.com")
            ]
        );
        assert_eq!(
            to("=?utf-8?q?J=C3=B6rg?= <j@example.com>"),
            [pair("Jörg", "j@example.com")]
        );
        assert_eq!(
            to("Friends: a@x.org, B <b@x.org>;"),
            [bare("a@x.org"), pair("B", "b@x.org")]
        );
        assert_eq!(to("undisclosed-recipients:;"), []);
        assert_eq!(to(""), []);
    }

    #[test]
    fn an_address_in_a_name_is_not_the_address() {
        let from = to(r#""boss@example.com" <mallory@example.net>"#);
        assert_eq!(
            from,
            [(
                Some("boss@example.com".into()),
                "mallory@example.net".into()
            )]
        );
        let from = to("boss@example.com\r\nFrom: x <mallory@example.net>");
        assert_eq!(from.len(), 1, "{from:?}");
    }

    #[test]
    fn a_list_of_too_many_recipients_says_that_it_is_incomplete() {
        let many: Vec<String> = (0..600).map(|n| format!("u{n}@example.com")).collect();
        let addresses = with("Cc", &many.join(", "), |headers| headers.addresses("cc"));
        assert_eq!(addresses.list.len(), ADDRESSES_MAX);
        assert!(addresses.truncated);
        assert!(!with("Cc", &many[0], |headers| headers.addresses("Cc")).truncated);
    }

    #[test]
    fn ids_lose_their_brackets() {
        let list = |value: &str| with("List-ID", value, |headers| headers.bracketed("List-Id"));
        assert_eq!(
            list("Rust users <users.lists.example.org>"),
            Some("users.lists.example.org".into())
        );
        assert_eq!(
            list("\"a < b\" <l.example.org>"),
            Some("l.example.org".into())
        );
        assert_eq!(list("l.example.org"), Some("l.example.org".into()));
        assert_eq!(list("<>"), None);
        assert_eq!(list("<l.example.org"), Some("<l.example.org".into()));
    }

    #[test]
    fn headers_of_another_shape_are_skipped() {
        for headers in [
            json!(null),
            json!("x"),
            json!([1, {"name": "To"}, {"name": 1, "value": "a@b"}]),
        ] {
            let message = json!({"payload": {"headers": headers}});
            assert!(Headers::read(&Payload::new(&message)).0.is_empty());
        }
    }
}
