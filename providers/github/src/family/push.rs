//! Pushes, the only event that names changed files.

use crate::facts::{Account, Commit, Push};
use crate::git::{branch_of, tag_of};
use crate::outline::Outline;
use serde_json::Value;
use std::collections::HashSet;
use triggerhouse_sdk::limits::NAME_BYTES_MAX;
use triggerhouse_sdk::prelude::*;

/// Commits kept in the facts: the newest of the push.
const COMMITS_MAX: usize = 50;
/// Bytes kept of a commit's message.
const MESSAGE_BYTES_MAX: usize = 512;
/// Changed files kept in the facts.
const PATHS_MAX: usize = 3_000;
/// Bytes of all their names.
const PATHS_BYTES_MAX: usize = 98_304;
/// Commits that GitHub lists at most.
const GITHUB_COMMITS_MAX: usize = 2_048;

/// `push`.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let reference = payload.text("/ref")?;
    let push = describe(payload, reference)?;
    let name = if let Some(tag) = tag_of(reference) {
        outline.facts.tag = Some(shorten(tag, NAME_BYTES_MAX));
        format!("tag {tag}")
    } else if let Some(branch) = branch_of(reference) {
        outline.facts.branches = vec![shorten(branch, NAME_BYTES_MAX)];
        branch.to_owned()
    } else {
        reference.to_owned()
    };
    let message = payload
        .raw("/head_commit/message")
        .map(first_line)
        .unwrap_or_default();
    outline.headline = match (push.deleted, push.created, push.commit_count) {
        (true, ..) => format!("Deleted {name}"),
        (_, true, 0) => format!("Created {name}"),
        (_, _, 0) => format!("Moved {name}: {message}"),
        (_, _, 1) => format!("1 commit pushed to {name}: {message}"),
        (_, _, count) => format!("{count} commits pushed to {name}: {message}"),
    };
    // A deleted branch has nothing to compare with, so that page is empty.
    outline.url = if push.deleted {
        None
    } else {
        push.compare_url.clone()
    };
    // A commit may be years older than its push.
    outline.occurred_at = payload.moment(&["/repository/pushed_at", "/head_commit/timestamp"]);
    outline.facts.author = outline.facts.sender.clone().or_else(|| {
        push.pusher
            .clone()
            .map(|login| Account { login, kind: None })
    });
    outline.facts.push = Some(push);
    Ok(())
}

fn describe(payload: &Payload<'_>, reference: &str) -> Result<Push, ReadError> {
    let commits = payload.array("/commits")?;
    let (paths, paths_truncated) = paths(commits);
    let newest = commits
        .iter()
        .skip(commits.len().saturating_sub(COMMITS_MAX));
    Ok(Push {
        ref_name: Some(shorten(reference, NAME_BYTES_MAX)),
        before: payload.short_text_opt("/before")?,
        after: Some(payload.short_text("/after")?),
        created: payload.flag("/created").unwrap_or_default(),
        deleted: payload.flag("/deleted").unwrap_or_default(),
        forced: payload.flag("/forced").unwrap_or_default(),
        base_ref: payload.name("/base_ref"),
        compare_url: payload.link("/compare"),
        pusher: payload.name("/pusher/name"),
        commit_count: commits.len(),
        commits: newest.map(commit).collect(),
        commits_truncated: commits.len() > COMMITS_MAX || commits.len() >= GITHUB_COMMITS_MAX,
        paths,
        paths_truncated: paths_truncated || commits.len() >= GITHUB_COMMITS_MAX,
    })
}

fn commit(commit: &Value) -> Commit {
    let commit = Payload::new(commit);
    Commit {
        sha: commit.name("/id"),
        message: commit
            .raw("/message")
            .map(|text| shorten(text, MESSAGE_BYTES_MAX)),
        author: commit
            .name("/author/username")
            .or_else(|| commit.name("/author/name")),
        url: commit.link("/url"),
    }
}

/// Each changed file once, and true if some may be missing. Unexpected values count as
/// missing, and a filter then accepts the push.
fn paths(commits: &[Value]) -> (Vec<String>, bool) {
    let (mut seen, mut paths) = (HashSet::new(), Vec::new());
    let (mut bytes, mut truncated) = (0, false);
    // Newest first: the newest commits show the branch as it is now.
    for commit in commits.iter().rev() {
        for change in ["added", "modified", "removed"] {
            match commit.get(change) {
                Some(Value::Array(files)) => {
                    for file in files {
                        match file.as_str() {
                            Some(path) if seen.contains(path) => {}
                            Some(path)
                                if path.len() <= NAME_BYTES_MAX
                                    && paths.len() < PATHS_MAX
                                    && bytes + path.len() <= PATHS_BYTES_MAX =>
                            {
                                seen.insert(path);
                                bytes += path.len();
                                paths.push(path.to_owned());
                            }
                            _ => truncated = true,
                        }
                    }
                }
                _ => truncated = true,
            }
        }
    }
    (paths, truncated)
}
