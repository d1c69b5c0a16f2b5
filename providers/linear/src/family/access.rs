//! News for an OAuth app about its own access: a workspace or user withdrew it, or the teams
//! that it reaches changed.

use crate::facts::{Access, Actor, Team};
use crate::outline::Outline;
use crate::{people, strict};
use triggerhouse_sdk::limits::LIST_ITEMS_MAX;
use triggerhouse_sdk::prelude::*;

/// `OAuthApp`. The payload has the app's id only.
pub fn app(_payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    outline.facts.access = Some(Access::default());
    outline.headline = format!("OAuth app {}", outline.facts.verb());
    Ok(())
}

/// `OAuthAuthorization`, which belongs to one user. The payload counts the remaining tokens
/// and carries none.
pub fn authorization(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let user = people::person(payload, "/user")?;
    let client = payload.name("/oauthClient/name");
    let name = user.as_ref().and_then(|user| user.known_by().next());
    outline.headline = format!(
        "OAuth authorization{} {}{}",
        tail(" of ", client.as_deref()),
        outline.facts.verb(),
        tail(": ", name)
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

/// `PermissionChange`. Its teams are the added and the removed ones.
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
