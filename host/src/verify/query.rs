//! The query string, percent-decoded as the contract says. `+` is a plus: tokens in base64
//! contain it more often than values contain a blank.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::borrow::Cow;

/// The decoded values of the parameters `name`, in order.
pub(super) fn values<'a>(query: &'a str, name: &str) -> impl Iterator<Item = Cow<'a, [u8]>> {
    query.split('&').filter_map(move |pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        is_named(key, name).then(|| percent_decode_str(value).into())
    })
}

/// The query string without the parameters that `is_secret` selects. The others keep their
/// spelling.
pub(super) fn without(query: &str, is_secret: impl Fn(&[u8]) -> bool) -> String {
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            let key = pair.split_once('=').map_or(*pair, |(key, _)| key);
            let key: Cow<'_, [u8]> = percent_decode_str(key).into();
            !is_secret(&key)
        })
        .collect();
    kept.join("&")
}

/// An encoded `name=value`.
pub(super) fn pair(name: &str, value: &str) -> String {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
    format!("{name}={value}")
}

fn is_named(key: &str, name: &str) -> bool {
    percent_decode_str(key).eq(name.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_percent_decoded_and_a_plus_is_a_plus() {
        let query = "a=1&hub.mode=sub%20scribe&a=%2B+&b&%61=3&=4";
        let found = |name| values(query, name).map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(found("a"), [b"1".to_vec(), b"++".to_vec(), b"3".to_vec()]);
        assert_eq!(found("hub.mode"), [b"sub scribe"]);
        assert_eq!(found("b"), [b""]);
        assert_eq!(found("c"), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_written_pair_is_read_back() {
        let query = pair("to ken", "a&b=c+d%é");
        let found: Vec<_> = values(&query, "to ken").collect();
        assert_eq!(found, ["a&b=c+d%é".as_bytes()]);
    }

    #[test]
    fn removing_a_parameter_leaves_the_others_as_they_were() {
        let query = "x=%7e&token=s&y&to%6ben=t&&token";
        assert_eq!(without(query, |name| name == b"token"), "x=%7e&y&");
        assert_eq!(without("", |name| name == b"token"), "");
    }
}
