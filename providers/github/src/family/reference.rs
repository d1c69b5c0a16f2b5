//! Branches and tags that were created or deleted.

use crate::facts::Reference;
use crate::outline::Outline;
use std::fmt::Write;
use triggerhouse_sdk::prelude::*;

/// `create` and `delete`.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let name = payload.short_text("/ref")?;
    let kind = payload.short_text("/ref_type")?;
    let created = outline.facts.event == "create";
    match kind.as_str() {
        "branch" => outline.facts.branches = vec![name.clone()],
        "tag" => outline.facts.tag = Some(name.clone()),
        _ => {}
    }
    let noun = if kind == "tag" { "Tag" } else { "Branch" };
    let verb = if created { "created" } else { "deleted" };
    outline.headline = format!("{noun} {name} {verb}");
    if created {
        outline.url = outline
            .facts
            .repository_link(&format!("/tree/{}", escape(&name)));
    }
    outline.occurred_at = payload.moment(&["/repository/pushed_at"]);
    outline.facts.reference = Some(Reference {
        name: Some(name),
        kind: Some(kind),
    });
    Ok(())
}

/// Escapes a name for a link: git allows `#`, `%` and any letter in names.
fn escape(name: &str) -> String {
    name.bytes().fold(String::new(), |mut link, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            link.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(link, "%{byte:02X}");
        }
        link
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_branch_name_is_escaped_in_links() {
        assert_eq!(super::escape("fix/issue#7-ä"), "fix/issue%237-%C3%A4");
    }
}
