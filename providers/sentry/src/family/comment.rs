//! `comment`: a user wrote, edited or deleted a comment on an issue.

use crate::facts::{Comment, Project};
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// Reads a comment.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let comment = Comment {
        id: payload.short_id("/data/comment_id")?,
        text: payload.prose("/data/comment"),
        created_at: payload.name("/data/timestamp"),
    };
    let facts = &mut outline.facts;
    facts.issue_id = payload.ident("/data/issue_id");
    facts.project = payload
        .short_text_opt("/data/project_slug")?
        .map(|slug| Project {
            slug: Some(slug),
            ..Project::default()
        });
    let issue = tail(" on issue ", facts.issue_id.as_deref());
    let text = comment.text.as_deref().unwrap_or("(no text)");
    outline.headline = format!("Comment {}{issue}: {text}", outline.facts.verb());
    // Even for an edit or a deletion, Sentry sends the time of the creation.
    if outline.facts.is("created") {
        outline.occurred_at = payload.moment(&["/data/timestamp"]);
    }
    outline.facts.comment = Some(comment);
    Ok(())
}
