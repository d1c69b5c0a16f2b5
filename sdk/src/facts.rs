//! What an event carries, made to fit.

use crate::limits::{FACTS_BYTES_MAX, TITLE_BYTES_MAX};
use serde::Serialize;

/// Facts as the contract carries them.
pub fn facts<T: Serialize>(facts: &T) -> String {
    // A type with derived `Serialize` and string keys always serialises; what
    // does not would otherwise be lost silently.
    serde_json::to_string(facts).unwrap_or_else(|error| {
        serde_json::json!({ "unserializable": error.to_string() }).to_string()
    })
}

/// Facts within the contract's limit: as long as they are too long, `mark` and the
/// next of `steps` are applied, which give up the least needed first.
///
/// A provider that limits each text and list where it reads it stays far below with
/// all that a service really sends. But JSON's escapes may multiply a hostile text
/// by six, so it needs this.
pub fn facts_reduced<T: Serialize>(
    facts: &mut T,
    mark: fn(&mut T),
    steps: &[fn(&mut T)],
) -> String {
    let mut json = self::facts(facts);
    for step in steps {
        if json.len() <= FACTS_BYTES_MAX {
            break;
        }
        mark(facts);
        step(facts);
        json = self::facts(facts);
    }
    json
}

/// `text` on one line, cut to [`TITLE_BYTES_MAX`].
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    shorten(&words.join(" "), TITLE_BYTES_MAX)
}

/// `text` cut to at most `bytes_max` bytes, at a character's end, with `…` where
/// something is missing.
pub fn shorten(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes_max.saturating_sub('…'.len_utf8()));
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortening_keeps_characters_whole() {
        assert_eq!(shorten("héllo wörld", 20), "héllo wörld");
        assert_eq!(shorten("ääääää", 8), "ää…");
    }
}
