//! Comments on issues, pull requests, diffs, commits and discussions. The author is the
//! commenter, not the author of the thing that the comment is on.

use super::{discussion, issue, pull_request, strict};
use crate::facts::Comment;
use crate::git::short_sha;
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// `issue_comment`: GitHub's name for comments on issues and on pull requests.
pub fn on_issue(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let issue = issue::describe(&payload.object("/issue")?, outline)?;
    let noun = if issue.is_pull_request {
        "pull request"
    } else {
        "issue"
    };
    let place = format!("{noun} {}", numbered(issue.number, issue.title.as_deref()));
    outline.facts.issue = Some(issue);
    finish(payload, outline, &place)
}

/// `pull_request_review_comment`: on a line of a pull request's diff.
pub fn on_diff(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/pull_request")?;
    let pull_request = pull_request::describe(&entity, outline)?;
    let place = format!(
        "the code of pull request {}",
        numbered(pull_request.number, pull_request.title.as_deref())
    );
    outline.facts.pull_request = Some(pull_request);
    finish(payload, outline, &place)
}

/// `commit_comment`.
pub fn on_commit(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let sha = payload.name("/comment/commit_id").unwrap_or_default();
    let first_line = payload.raw("/comment/body").map(first_line);
    let place = format!(
        "commit {}: {}",
        short_sha(&sha),
        first_line.unwrap_or_default()
    );
    finish(payload, outline, &place)
}

/// `discussion_comment`.
pub fn on_discussion(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let discussion = discussion::describe(&payload.object("/discussion")?, outline)?;
    let place = format!(
        "discussion {}",
        numbered(discussion.number, discussion.title.as_deref())
    );
    outline.facts.discussion = Some(discussion);
    finish(payload, outline, &place)
}

fn numbered(number: Option<i64>, title: Option<&str>) -> String {
    format!(
        "#{}: {}",
        number.unwrap_or_default(),
        title.unwrap_or_default()
    )
}

fn finish(payload: &Payload<'_>, outline: &mut Outline, place: &str) -> Result<(), ReadError> {
    let entity = payload.object("/comment")?;
    let comment = describe(&entity)?;
    outline.facts.author = strict::account(&entity, "/user")?;
    outline.headline = format!("Comment {} on {place}", outline.facts.verb());
    outline.url.clone_from(&comment.url);
    outline.occurred_at = match outline.facts.action.as_deref() {
        Some("created") => entity.moment(&["/created_at"]),
        Some("deleted") => None,
        _ => entity.moment(&["/updated_at"]),
    };
    outline.facts.comment = Some(comment);
    Ok(())
}

/// Reads the section.
pub fn describe(comment: &Payload<'_>) -> Result<Comment, ReadError> {
    Ok(Comment {
        id: Some(comment.integer("/id")?),
        url: comment.link("/html_url"),
        author: comment.name("/user/login"),
        author_association: comment.name("/author_association"),
        body: comment.prose("/body"),
        path: comment.name("/path"),
        line: comment.number("/line"),
        commit_sha: comment.name("/commit_id"),
        in_reply_to: comment
            .number("/in_reply_to_id")
            .or_else(|| comment.number("/parent_id")),
    })
}
