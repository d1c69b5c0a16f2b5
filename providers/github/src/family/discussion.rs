//! Discussions.

use super::{issue, strict};
use crate::facts::Discussion;
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// `discussion`.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/discussion")?;
    let discussion = describe(&entity, outline)?;
    outline.facts.author = strict::account(&entity, "/user")?;
    outline.facts.label = payload.name("/label/name");
    outline.headline = format!(
        "Discussion #{} {}{}{}",
        discussion.number.unwrap_or_default(),
        outline.facts.verb(),
        issue::detail(outline),
        tail(": ", discussion.title.as_deref())
    );
    // An answer is a comment. Its link leads to the same page, further down.
    outline.url = payload
        .link("/answer/html_url")
        .or_else(|| discussion.url.clone());
    outline.occurred_at = match outline.facts.action.as_deref() {
        Some("answered") => entity.moment(&["/answer_chosen_at"]),
        _ => issue::moment(&entity, outline),
    };
    outline.facts.discussion = Some(discussion);
    Ok(())
}

/// Reads the section and the labels.
pub fn describe(discussion: &Payload<'_>, outline: &mut Outline) -> Result<Discussion, ReadError> {
    outline.facts.labels = strict::labels(discussion, "/labels")?;
    Ok(Discussion {
        number: Some(discussion.integer("/number")?),
        title: Some(discussion.short_text("/title")?),
        url: discussion.link("/html_url"),
        state: discussion.name("/state"),
        state_reason: discussion.name("/state_reason"),
        category: discussion.name("/category/name"),
        author: discussion.name("/user/login"),
        body: discussion.prose("/body"),
    })
}
