//! Texts for a person's screen: cut, joined and capitalized.

use crate::limits::TITLE_BYTES_MAX;

/// `text` on one line, cut to [`TITLE_BYTES_MAX`].
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    shorten(&words.join(" "), TITLE_BYTES_MAX)
}

/// `text` cut to at most `bytes_max` bytes at a character boundary; `…` marks the cut.
pub fn shorten(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes_max.saturating_sub('…'.len_utf8()));
    format!("{}…", &text[..end])
}

/// The first line of `text`.
// Compiled into the providers that call it. The search for a line break would otherwise be a
// part of every component.
#[inline]
pub fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// `text` with a capital letter at its start.
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// `lead` and `text`, or nothing if there is no text: the optional end of a title.
///
/// ```
/// # use triggerhouse_sdk::tail;
/// assert_eq!(format!("Label edited{}", tail(": ", Some("bug"))), "Label edited: bug");
/// assert_eq!(format!("Label edited{}", tail(": ", None::<&str>)), "Label edited");
/// ```
pub fn tail(lead: &str, text: Option<impl AsRef<str>>) -> String {
    text.map(|text| format!("{lead}{}", text.as_ref()))
        .unwrap_or_default()
}

/// ` (text)`, or nothing if there is no text: an optional remark in a title.
pub fn aside(text: Option<impl AsRef<str>>) -> String {
    text.map(|text| format!(" ({})", text.as_ref()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortening_keeps_characters_whole() {
        assert_eq!(shorten("héllo wörld", 20), "héllo wörld");
        assert_eq!(shorten("ääääää", 8), "ää…");
    }

    #[test]
    fn only_the_first_letter_becomes_a_capital() {
        assert_eq!(capitalized("new thing"), "New thing");
        assert_eq!(capitalized("écluse"), "écluse");
        assert_eq!(capitalized(""), "");
    }
}
