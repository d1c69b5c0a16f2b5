//! Reviews of pull requests, and the threads of their comments. The author is
//! the reviewer, not who opened the pull request.

use super::{pull_request, strict};
use crate::facts::Review;
use crate::outline::Outline;
use serde_json::Value;
use triggerhouse_sdk::prelude::*;

/// `pull_request_review`.
pub fn review(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/pull_request")?;
    let pull_request = pull_request::describe(&entity, outline)?;
    let entity = payload.object("/review")?;
    // Upper case where the review was sent through GitHub's other interface.
    let state = entity.short_text("/state")?.to_ascii_lowercase();
    outline.facts.author = strict::account(&entity, "/user")?;
    let verb = match (outline.facts.action.as_deref(), state.as_str()) {
        (Some("submitted"), "commented") => "reviewed".into(),
        (Some("submitted"), state) => state.replace('_', " "),
        _ => format!("review {}", outline.verb()),
    };
    outline.headline = headline(&pull_request, &verb);
    outline.url = entity
        .link("/html_url")
        .or_else(|| pull_request.url.clone());
    outline.occurred_at = match outline.facts.action.as_deref() {
        Some("submitted") => entity.moment(&["/submitted_at"]),
        _ => entity.moment(&["/updated_at"]),
    };
    outline.facts.pull_request = Some(pull_request);
    outline.facts.review = Some(Review {
        id: entity.number("/id"),
        url: entity.link("/html_url"),
        state: Some(state),
        author: entity.name("/user/login"),
        author_association: entity.name("/author_association"),
        body: entity.prose("/body"),
        commit_sha: entity.name("/commit_id"),
    });
    Ok(())
}

/// `pull_request_review_thread`: resolving is the sender's doing, so the author
/// remains the sender.
pub fn thread(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/pull_request")?;
    let pull_request = pull_request::describe(&entity, outline)?;
    outline.headline = headline(&pull_request, &format!("thread {}", outline.verb()));
    outline.url = payload
        .link("/thread/comments/0/html_url")
        .or_else(|| pull_request.url.clone());
    outline.occurred_at = payload.moment(&["/updated_at", "/thread/updated_at"]);
    let first = payload
        .value()
        .pointer("/thread/comments/0")
        .filter(|first| Value::is_object(first));
    outline.facts.comment =
        first.and_then(|first| super::comment::describe(&Payload::new(first)).ok());
    outline.facts.pull_request = Some(pull_request);
    Ok(())
}

fn headline(pull_request: &crate::facts::PullRequest, verb: &str) -> String {
    format!(
        "Pull request #{} {verb}: {}",
        pull_request.number.unwrap_or_default(),
        pull_request.title.as_deref().unwrap_or_default()
    )
}
