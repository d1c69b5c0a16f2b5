//! Releases.

use super::strict;
use crate::facts::Release;
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// `release`.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/release")?;
    let tag = entity.short_text("/tag_name")?;
    outline.facts.author = strict::account(&entity, "/author")?;
    outline.facts.draft = entity.boolean_opt("/draft")?;
    let title = entity.name("/name").filter(|name| *name != tag);
    let verb = outline.facts.verb();
    outline.headline = format!("Release {tag} {verb}{}", tail(": ", title));
    outline.url = entity.link("/html_url");
    // `created_at` is the date of the tagged commit.
    outline.occurred_at = match outline.facts.action.as_deref() {
        Some("published" | "released" | "prereleased") => entity.moment(&["/published_at"]),
        _ => entity.moment(&["/updated_at"]),
    };
    outline.facts.tag = Some(tag);
    outline.facts.release = Some(Release {
        id: entity.number("/id"),
        name: entity.name("/name"),
        url: entity.link("/html_url"),
        prerelease: entity.flag("/prerelease"),
        target: entity.name("/target_commitish"),
        author: entity.name("/author/login"),
        body: entity.prose("/body"),
        assets: entity.names("/assets", "/name"),
    });
    Ok(())
}
