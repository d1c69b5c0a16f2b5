//! What an event carries, made to fit.

use serde::Serialize;

/// Facts as the contract carries them.
pub fn facts<T: Serialize>(facts: &T) -> String {
    // A type with derived `Serialize` and string keys always serialises; what
    // does not would otherwise be lost silently.
    serde_json::to_string(facts).unwrap_or_else(|error| {
        serde_json::json!({ "unserializable": error.to_string() }).to_string()
    })
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
