//! What git's references and hashes say.

/// The branch that a git reference names: `refs/heads/main`, or just `main`.
pub fn branch_of(reference: &str) -> Option<&str> {
    match reference.strip_prefix("refs/") {
        None => Some(reference).filter(|reference| !reference.is_empty()),
        Some(rest) => rest.strip_prefix("heads/"),
    }
}

/// The tag that a full git reference names.
pub fn tag_of(reference: &str) -> Option<&str> {
    reference.strip_prefix("refs/tags/")
}

/// Whether this is a commit's hash and no branch's name.
pub fn is_sha(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A commit's hash as people write it.
pub fn short_sha(sha: &str) -> &str {
    sha.get(..7).unwrap_or(sha)
}

/// `text` up to its first line's end.
pub fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_is_named_by_its_full_reference_or_by_itself() {
        assert_eq!(branch_of("refs/heads/feature/a"), Some("feature/a"));
        assert_eq!(branch_of("main"), Some("main"));
        assert_eq!(branch_of("refs/tags/v1"), None);
        assert_eq!(branch_of("refs/pull/1/merge"), None);
        assert_eq!(branch_of(""), None);
    }
}
