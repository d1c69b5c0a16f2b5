//! Lenient readers, beside the SDK's strict ones: what is merely nice to have is
//! left out when it is missing or of another type. All of them have limits.

use crate::facts::Account;
use serde_json::Value;
use triggerhouse_sdk::prelude::*;

/// Names, refs, titles and states. Git and GitHub allow no longer ones.
pub const NAME_BYTES_MAX: usize = 1_024;
/// Bodies of issues, comments and releases, which may be book-length.
pub const PROSE_BYTES_MAX: usize = 8_192;
/// The contract's limit on links.
const LINK_BYTES_MAX: usize = 4_096;
/// Labels, assignees, reviewers: GitHub allows at most a hundred of each.
pub const LIST_ITEMS_MAX: usize = 100;
/// The contract keeps times below 2^53 microseconds.
const TIME_MAX_US: u64 = 1 << 53;

/// Readers that never fail.
pub trait Lenient<'a> {
    /// The value at `pointer`, unless it is `null`.
    fn at(&self, pointer: &str) -> Option<&'a Value>;

    /// The text at `pointer` as it stands, unless it is empty.
    fn raw(&self, pointer: &str) -> Option<&'a str> {
        self.at(pointer)?.as_str().filter(|text| !text.is_empty())
    }
    /// A short text.
    fn name(&self, pointer: &str) -> Option<String> {
        self.raw(pointer).map(|text| shorten(text, NAME_BYTES_MAX))
    }
    /// A long text, cut.
    fn prose(&self, pointer: &str) -> Option<String> {
        self.raw(pointer).map(|text| shorten(text, PROSE_BYTES_MAX))
    }
    /// A whole number.
    fn number(&self, pointer: &str) -> Option<i64> {
        self.at(pointer)?.as_i64()
    }
    /// A boolean.
    fn flag(&self, pointer: &str) -> Option<bool> {
        self.at(pointer)?.as_bool()
    }
    /// A link that a browser opens.
    fn link(&self, pointer: &str) -> Option<String> {
        let link = self.raw(pointer)?;
        let opens = link.starts_with("https://") || link.starts_with("http://");
        (opens && link.len() <= LINK_BYTES_MAX).then(|| link.to_owned())
    }
    /// The login and type of the account at `pointer`.
    fn account(&self, pointer: &str) -> Option<Account> {
        let value = self.at(pointer)?;
        let login = value
            .get("login")?
            .as_str()
            .filter(|login| !login.is_empty())?;
        let kind = value.get("type").and_then(Value::as_str);
        Some(Account {
            login: shorten(login, NAME_BYTES_MAX),
            kind: kind.map(|kind| shorten(kind, NAME_BYTES_MAX)),
        })
    }
    /// `field` of each item of the array at `pointer`.
    fn names(&self, pointer: &str, field: &str) -> Vec<String> {
        let items = self.at(pointer).and_then(Value::as_array);
        let texts = items
            .into_iter()
            .flatten()
            .filter_map(|item| item.pointer(field)?.as_str());
        texts
            .take(LIST_ITEMS_MAX)
            .map(|text| shorten(text, NAME_BYTES_MAX))
            .collect()
    }
    /// The first of `pointers` that holds a time, in microseconds.
    fn moment(&self, pointers: &[&str]) -> Option<u64>;
}

impl<'a> Lenient<'a> for Payload<'a> {
    fn at(&self, pointer: &str) -> Option<&'a Value> {
        self.value_at(pointer)
    }

    fn moment(&self, pointers: &[&str]) -> Option<u64> {
        let mut times = pointers
            .iter()
            .filter_map(|pointer| self.time_opt(pointer).ok()?);
        times.find(|time| *time < TIME_MAX_US)
    }
}

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

    #[test]
    fn a_value_of_another_type_is_left_out() {
        let value = serde_json::json!({"a": 1, "b": "x", "u": {"login": 5}, "t": u64::MAX});
        let payload = Payload::new(&value);
        assert_eq!(payload.name("/a"), None);
        assert_eq!(payload.number("/b"), None);
        assert_eq!(payload.link("/b"), None);
        assert_eq!(payload.account("/u"), None);
        assert_eq!(payload.moment(&["/b", "/t", "/a"]), Some(1_000_000));
    }
}
