//! A sample of output, as a document shows it.
//!
//! Owns: `…`, which matches any text, line breaks included.

/// The text that a document shows after a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample(pub String);

impl Sample {
    /// True if `text` is the sample, where each `…` may be any text.
    pub fn matches(&self, text: &str) -> bool {
        let mut pieces = self.0.split('…');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else {
            return false;
        };
        let mut pieces: Vec<&str> = pieces.collect();
        let Some(last) = pieces.pop() else {
            return rest.is_empty();
        };
        for piece in pieces {
            let Some(at) = rest.find(piece) else {
                return false;
            };
            rest = &rest[at + piece.len()..];
        }
        rest.ends_with(last)
    }

    /// True if the sample shows that a request is refused.
    pub fn shows_a_refusal(&self) -> bool {
        let numbers = self.0.split(|c: char| !c.is_ascii_alphanumeric());
        numbers
            .filter_map(|word| word.parse().ok())
            .any(|number: u16| (400..500).contains(&number))
    }
}

#[test]
fn an_ellipsis_matches_any_text() {
    for (sample, text, expected) in [
        ("abc", "abc", true),
        ("abc", "abcd", false),
        ("a…", "abc", true),
        ("…c", "abc", true),
        ("a…c…e", "abcde", true),
        ("a…c…e", "ace", true),
        ("a…c…e", "acdf", false),
        ("a…c", "ab", false),
        (
            "{\"id\":\"trg_…\",…}",
            "{\"id\":\"trg_1\",\n\"name\":\"x\"}",
            true,
        ),
    ] {
        assert_eq!(
            Sample(sample.into()).matches(text),
            expected,
            "{sample}: {text}"
        );
    }
}

#[test]
fn a_refusal_is_a_status_from_400_to_499() {
    for (sample, expected) in [
        ("401 {…}", true),
        ("{\"status\":409,…}", true),
        ("200 {\"id\":\"dlv_…\"}", false),
        ("a404b 1401", false),
    ] {
        assert_eq!(
            Sample(sample.into()).shows_a_refusal(),
            expected,
            "{sample}"
        );
    }
}
