//! The start of every event: reads what all payloads of Linear have in common.

use crate::changes;
use crate::facts::{Actor, Facts};
use crate::people;
use triggerhouse_sdk::kind;
use triggerhouse_sdk::prelude::*;

/// Bytes of a type or action. Linear's own names have at most 50 characters.
const WORD_BYTES_MAX: usize = 100;

/// An event in the making. The reader of a family completes it.
pub type Outline = triggerhouse_sdk::Outline<Facts>;

/// Reads the common parts. Payloads of 2021 have no organization, those of 2023 no actor.
///
/// # Errors
/// If `type` or `action` is missing, or another part is not as Linear documents it.
pub fn begin(payload: &Payload<'_>) -> Result<Outline, ReadError> {
    let facts = Facts {
        kind: word(payload, "/type", "the name of a type such as `Issue`")?,
        action: word(payload, "/action", "an action such as `update`")?,
        organization_id: payload.name("/organizationId"),
        webhook_id: payload.name("/webhookId"),
        oauth_client_id: payload.name("/oauthClientId"),
        app_user_id: payload.name("/appUserId"),
        actor: people::actor(payload)?,
        changed: changes::changed(payload)?,
        previous: changes::previous(payload),
        ..Facts::default()
    };
    Ok(Outline {
        kind: kind(&facts.kind, Some(&facts.action)),
        // `webhookTimestamp` is the time of sending.
        occurred_at: payload.moment(&["/createdAt"]),
        facts,
        ..Outline::default()
    })
}

impl Facts {
    /// Reads the creator of `entity`: a user, an external user, or a bot.
    ///
    /// # Errors
    /// If one of them is not as Linear documents it.
    pub fn created_by(
        &mut self,
        entity: &Payload<'_>,
        user: &str,
        external_user: &str,
    ) -> Result<(), ReadError> {
        let user = people::person(entity, user)?;
        let external = people::person(entity, external_user)?;
        let bot = people::bot(entity);
        self.created_by_bot = bot.is_some();
        self.creator = user.or(external).or(bot);
        Ok(())
    }

    /// Completes the actor. If the payload names none, the creator is the actor of a
    /// creation. Some users are apps.
    pub fn settle_actor(&mut self) {
        let is_creation = self.action == "create";
        if self.actor.is_none() && is_creation {
            self.actor = self.creator.clone().map(Actor::from);
        }
        let by_bot = self.created_by_bot && is_creation;
        if let Some(actor) = &mut self.actor {
            actor.app = by_bot || people::is_app(actor, self.app_user_id.as_deref());
        } else if by_bot {
            self.actor = Some(Actor {
                app: true,
                ..Actor::default()
            });
        }
    }

    /// The team of an issue. A project's teams have ids only, so it has no scope.
    pub fn scope(&self) -> Option<String> {
        let team = self.teams.first()?;
        team.name.clone().or_else(|| team.key.clone())
    }

    /// True if the update changed this key.
    pub fn has_changed(&self, key: &str) -> bool {
        self.changed.iter().any(|changed| changed == key)
    }

    /// The action in words: `create` is `created`, `highRisk` is `high risk`.
    pub fn verb(&self) -> String {
        match self.action.as_str() {
            "create" => "created".into(),
            "update" => "updated".into(),
            "remove" => "removed".into(),
            action => words(action),
        }
    }
}

/// `IssueLabel` as `issue label`. `OAuthApp` is `oauth app`.
pub fn words(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    let mut previous = ' ';
    for letter in name.replace("OAuth", "Oauth").chars() {
        if letter.is_uppercase() && previous.is_lowercase() {
            text.push(' ');
        }
        text.extend(letter.to_lowercase());
        previous = letter;
    }
    text.replace(['_', '.'], " ")
}

/// One of the two words of the kind.
fn word(payload: &Payload<'_>, pointer: &str, expected: &'static str) -> Result<String, ReadError> {
    let text = payload.text(pointer)?.trim();
    if text.is_empty() {
        return Err(ReadError {
            pointer: pointer.into(),
            expected,
            found: "an empty string",
        });
    }
    Ok(shorten(text, WORD_BYTES_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_words() {
        for (name, expected) in [
            ("IssueLabel", "issue label"),
            ("issueAssignedToYou", "issue assigned to you"),
            ("highRisk", "high risk"),
            ("OAuthApp", "oauth app"),
            ("IssueSLA", "issue sla"),
            ("snake_case", "snake case"),
            ("", ""),
        ] {
            assert_eq!(words(name), expected);
        }
    }
}
