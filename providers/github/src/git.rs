//! Git's references and hashes.

/// The branch of a git reference: `refs/heads/main`, or `main` alone.
pub fn branch_of(reference: &str) -> Option<&str> {
    match reference.strip_prefix("refs/") {
        None => Some(reference).filter(|reference| !reference.is_empty()),
        Some(rest) => rest.strip_prefix("heads/"),
    }
}

/// The tag of a full git reference.
pub fn tag_of(reference: &str) -> Option<&str> {
    reference.strip_prefix("refs/tags/")
}

/// True for the hash of a commit.
pub fn is_sha(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The start of a commit's hash, as people write it.
pub fn short_sha(sha: &str) -> &str {
    sha.get(..7).unwrap_or(sha)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_is_a_full_reference_or_a_bare_name() {
        assert_eq!(branch_of("refs/heads/feature/a"), Some("feature/a"));
        assert_eq!(branch_of("main"), Some("main"));
        assert_eq!(branch_of("refs/tags/v1"), None);
        assert_eq!(branch_of("refs/pull/1/merge"), None);
        assert_eq!(branch_of(""), None);
    }
}
