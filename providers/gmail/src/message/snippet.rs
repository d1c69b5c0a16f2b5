//! The first words of a message. The API sends them as HTML text: `&#39;` for `'`.

use triggerhouse_sdk::limits::NAME_BYTES_MAX;
use triggerhouse_sdk::{one_line, shorten};

/// Bytes of a character reference. The longest is `&#1114111;`.
const REFERENCE_BYTES_MAX: usize = 10;
/// Invisible characters with which senders pad the preview of a mail program.
const FILLERS: [char; 6] = [
    '\u{34f}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2007}', '\u{feff}',
];

/// The snippet as text, or `None` if it is invisible.
pub fn read(snippet: &str) -> Option<String> {
    let text = one_line(
        unescape(snippet).trim_end_matches(|c: char| c.is_whitespace() || FILLERS.contains(&c)),
    );
    (!text.is_empty()).then(|| shorten(&text, NAME_BYTES_MAX))
}

/// Replaces the character references of an HTML escape. Other references stay.
fn unescape(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('&') {
        text.push_str(before);
        match reference(after) {
            Some((character, behind)) => {
                text.push(character);
                rest = behind;
            }
            None => {
                text.push('&');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

/// The character of `amp;…`, `#39;…` or `#x27;…`, and the rest.
fn reference(text: &str) -> Option<(char, &str)> {
    let end = text
        .bytes()
        .take(REFERENCE_BYTES_MAX)
        .position(|byte| byte == b';')?;
    let (name, rest) = (&text[..end], &text[end + 1..]);
    let character = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|character| !character.is_control())?
        }
    };
    Some((character, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn character_references_become_characters() {
        let read = |html: &str| read(html).unwrap();
        assert_eq!(
            read("It&#39;s &quot;fine&quot; &amp; &lt;b&gt;"),
            "It's \"fine\" & <b>"
        );
        assert_eq!(read("&#x27;&#128077;&apos;a&nbsp;b"), "'👍'a b");
        // Decoded once only.
        assert_eq!(read("&amp;lt;"), "&lt;");
        assert_eq!(
            read("a & b; &bogus; &#0; &#xD800; &"),
            "a & b; &bogus; &#0; &#xD800; &"
        );
        assert_eq!(read("ä&ä;ä &ääääää;"), "ä&ä;ä &ääääää;");
    }

    #[test]
    fn fillers_at_the_end_are_not_words() {
        assert_eq!(
            read("Hello \u{34f} \u{200c} \u{feff} "),
            Some("Hello".into())
        );
        assert_eq!(read(" \u{200c}"), None);
    }
}
