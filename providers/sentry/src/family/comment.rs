//! `comment`: somebody wrote, edited or deleted a comment on an issue.

use super::{lenient, strict};
use crate::facts::{Comment, Project};
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// Reads a comment.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    payload.id("/data/comment_id")?;
    let comment = Comment {
        id: strict::id(payload, "/data/comment_id")?.unwrap_or_default(),
        text: payload.prose("/data/comment"),
        created_at: payload.name("/data/timestamp"),
    };
    let facts = &mut outline.facts;
    facts.issue_id = lenient::id(payload, "/data/issue_id");
    facts.project = payload
        .short_text_opt("/data/project_slug")?
        .map(|slug| Project {
            slug: Some(slug),
            ..Project::default()
        });
    let issue = facts.issue_id.as_deref();
    let issue = issue
        .map(|id| format!(" on issue {id}"))
        .unwrap_or_default();
    let text = comment.text.as_deref().unwrap_or("(no text)");
    outline.headline = format!("Comment {}{issue}: {text}", outline.verb());
    // Also after an edit or the deletion, Sentry sends the time of the creation.
    if outline.is("created") {
        outline.occurred_at = payload.moment(&["/data/timestamp"]);
    }
    outline.facts.comment = Some(comment);
    Ok(())
}
