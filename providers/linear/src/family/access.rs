//! What Linear tells an OAuth app about itself: that a workspace or a user withdrew
//! it, and which teams it reaches.

use crate::facts::{Access, Actor, Team};
use crate::outline::Outline;
use crate::{people, strict};
use triggerhouse_sdk::limits::LIST_ITEMS_MAX;
use triggerhouse_sdk::prelude::*;

/// `OAuthApp`: names nothing but the app's id.
pub fn app(_payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    outline.facts.access = Some(Access::default());
    outline.headline = format!("OAuth app {}", outline.verb());
    Ok(())
}

/// `OAuthAuthorization`: one user's. The payload counts the tokens that are left; it
/// carries none.
pub fn authorization(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let user = people::person(payload, "/user")?;
    let client = payload.name("/oauthClient/name");
    let of = client.as_deref().map(|client| format!(" of {client}"));
    let by = user.as_ref().and_then(|user| user.known_by().next());
    let by = by.map(|name| format!(": {name}"));
    outline.headline = format!(
        "OAuth authorization{} {}{}",
        of.unwrap_or_default(),
        outline.verb(),
        by.unwrap_or_default()
    );
    if outline.facts.actor.is_none() {
        outline.facts.actor = user.clone().map(Actor::from);
    }
    outline.facts.access = Some(Access {
        client,
        user,
        active_tokens: strict::whole_number(payload, "/activeTokensForUser")
            .ok()
            .flatten(),
        ..Access::default()
    });
    Ok(())
}

/// `PermissionChange`: the teams concerned are those that came and those that went.
pub fn permissions(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let added = strict::ids(payload, "/addedTeamIds")?;
    let removed = strict::ids(payload, "/removedTeamIds")?;
    let teams = added.iter().chain(&removed).take(LIST_ITEMS_MAX);
    outline.facts.teams = teams.cloned().map(Team::of_id).collect();
    outline.headline = format!(
        "App permissions changed: {} added, {} removed",
        teams_in_words(added.len()),
        teams_in_words(removed.len())
    );
    outline.facts.access = Some(Access {
        all_public_teams: payload.flag("/canAccessAllPublicTeams").unwrap_or_default(),
        added_team_ids: added,
        removed_team_ids: removed,
        ..Access::default()
    });
    Ok(())
}

fn teams_in_words(count: usize) -> String {
    match count {
        1 => "1 team".into(),
        count => format!("{count} teams"),
    }
}
