//! Globs for configurations, checked before use: `*` matches any characters except `/`,
//! `**` whole directories, `?` one character, `[ab]` one of several, `{a,b}` one of the
//! alternatives. `!` at the start negates the glob; `\\` makes a character literal.
//!
//! `fast-glob` does the matching. It compiles nothing, which suits a configuration that
//! is read once per event.

/// Longer patterns are refused.
const PATTERN_BYTES_MAX: usize = 256;
/// `{a,b}{c,d}` expands to four patterns. More than this many are refused, because a
/// match may have to try them all.
const ALTERNATIVES_MAX: usize = 256;

/// Refuses broken globs, and globs that would match slowly.
///
/// # Errors
/// The reason.
pub fn check(pattern: &str) -> Result<(), String> {
    if pattern.is_empty() {
        return Err("an empty glob matches nothing".into());
    }
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(format!("a glob has at most {PATTERN_BYTES_MAX} bytes"));
    }
    if alternatives(pattern) > ALTERNATIVES_MAX {
        return Err(format!(
            "a glob has at most {ALTERNATIVES_MAX} combinations of alternatives"
        ));
    }
    fast_glob::validate(pattern).map_err(|error| error.to_string())
}

/// True if `pattern` matches the whole `text`.
pub fn matches(pattern: &str, text: &str) -> bool {
    fast_glob::glob_match(pattern, text)
}

/// The same, ignoring case.
pub fn matches_any_case(pattern: &str, text: &str) -> bool {
    matches(&pattern.to_lowercase(), &text.to_lowercase())
}

/// An upper bound: nested braces count as if they were side by side.
fn alternatives(pattern: &str) -> usize {
    let (mut product, mut open) = (1usize, Vec::new());
    for byte in pattern.bytes() {
        match byte {
            b'{' => open.push(1usize),
            b',' => {
                if let Some(count) = open.last_mut() {
                    *count += 1;
                }
            }
            b'}' => product = product.saturating_mul(open.pop().unwrap_or(1)),
            _ => {}
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_a_directory_and_two_stars_do_not() {
        assert!(matches("src/*.rs", "src/a.rs"));
        assert!(!matches("src/*.rs", "src/a/b.rs"));
        assert!(matches("src/**", "src/a/b.rs"));
        assert!(matches("**/*.rs", "a.rs"));
        assert!(matches("release/**", "release/1/2"));
        assert!(!matches("release/*", "release/1/2"));
        assert!(matches("v[0-9]*", "v1.2"));
        assert!(matches("{main,master}", "master"));
        assert!(!matches("main", "mainline"));
        assert!(matches("!main", "dev"));
        assert!(matches_any_case("Octo-Org/*", "octo-org/Hello"));
    }

    #[test]
    fn a_broken_or_excessive_pattern_is_refused() {
        for pattern in [
            "",
            "a[",
            "{a",
            "a\\",
            &"a".repeat(257),
            &"{a,b,c}".repeat(7),
        ] {
            assert!(check(pattern).is_err(), "{pattern}");
        }
        for pattern in ["**", "a/*/b", "{a,b}/**", "[!a]", "!docs/**", "ä*", "a\\*"] {
            assert!(check(pattern).is_ok(), "{pattern}");
        }
    }
}
