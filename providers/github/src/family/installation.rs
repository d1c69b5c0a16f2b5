//! The installation of a GitHub App: its account and its repositories.

use crate::facts::Installation;
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// `installation`, `installation_repositories` and `installation_target`.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    payload.integer("/installation/id")?;
    // `repositories` lists the repositories of an installation that is new or was deleted.
    let mut added = payload.names("/repositories_added", "/full_name");
    let mut removed = payload.names("/repositories_removed", "/full_name");
    let all = payload.names("/repositories", "/full_name");
    if outline.facts.is("deleted") {
        &mut removed
    } else {
        &mut added
    }
    .extend(all);
    let account = payload
        .name("/installation/account/login")
        .or_else(|| payload.name("/account/login"))
        .or_else(|| payload.name("/account/slug"));
    let noun = match outline.facts.event.as_str() {
        "installation_repositories" => "Installation's repositories",
        "installation_target" => "Installation's account",
        _ => "Installation",
    };
    let place = tail(" for ", account.as_deref());
    outline.headline = format!("{noun} {}{place}", outline.facts.verb());
    outline.url = payload.link("/installation/html_url");
    outline.occurred_at = match outline.facts.action.as_deref() {
        Some("created") => payload.moment(&["/installation/created_at"]),
        Some("suspend") => payload.moment(&["/installation/suspended_at"]),
        Some("deleted") => None,
        _ => payload.moment(&["/installation/updated_at"]),
    };
    outline.facts.installation = Some(Installation {
        account,
        app: payload.name("/installation/app_slug"),
        repository_selection: payload
            .name("/repository_selection")
            .or_else(|| payload.name("/installation/repository_selection")),
        repositories_added: added,
        repositories_removed: removed,
    });
    Ok(())
}
