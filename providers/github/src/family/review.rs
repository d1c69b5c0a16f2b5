//! Reviews of pull requests, and the threads of their comments. The author is the reviewer,
//! not the author of the pull request.

use super::{comment, pull_request, strict};
use crate::facts::{PullRequest, Review};
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// `pull_request_review`.
pub fn review(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/pull_request")?;
    let pull_request = pull_request::describe(&entity, outline)?;
    let entity = payload.object("/review")?;
    // A review sent through GitHub's other interface has it in upper case.
    let state = entity.short_text("/state")?.to_ascii_lowercase();
    outline.facts.author = strict::account(&entity, "/user")?;
    let verb = match (outline.facts.action.as_deref(), state.as_str()) {
        (Some("submitted"), "commented") => "reviewed".into(),
        (Some("submitted"), state) => state.replace('_', " "),
        _ => format!("review {}", outline.facts.verb()),
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

/// `pull_request_review_thread`. The sender resolves a thread, so the author stays the
/// sender.
pub fn thread(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/pull_request")?;
    let pull_request = pull_request::describe(&entity, outline)?;
    outline.headline = headline(&pull_request, &format!("thread {}", outline.facts.verb()));
    outline.url = payload
        .link("/thread/comments/0/html_url")
        .or_else(|| pull_request.url.clone());
    outline.occurred_at = payload.moment(&["/updated_at", "/thread/updated_at"]);
    let first = payload.object_opt("/thread/comments/0").ok().flatten();
    outline.facts.comment = first.and_then(|first| comment::describe(&first).ok());
    outline.facts.pull_request = Some(pull_request);
    Ok(())
}

fn headline(pull_request: &PullRequest, verb: &str) -> String {
    format!(
        "Pull request #{} {verb}{}",
        pull_request.number.unwrap_or_default(),
        tail(": ", pull_request.title.as_deref())
    )
}
