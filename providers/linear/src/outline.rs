//! What a family's reader fills in: the event before it is put into its final
//! form. Starts with what every payload of Linear has in common.

use crate::changes;
use crate::facts::{Actor, Facts};
use crate::people;
use triggerhouse_sdk::prelude::*;

/// Linear's own names have at most 50 characters.
const WORD_BYTES_MAX: usize = 100;

/// One event in the making.
#[derive(Default)]
pub struct Outline {
    /// What is kept of the payload.
    pub facts: Facts,
    /// The title without the team: `Issue ENG-1 created: Crash`.
    pub headline: String,
    /// Where a person can look at it, if the payload has no link of its own.
    pub url: Option<String>,
    /// Microseconds since 1970.
    pub occurred_at: Option<u64>,
}

impl Outline {
    /// Reads what is common to all payloads, each part only where Linear sends it:
    /// payloads of 2021 have no organization, those of 2023 no actor.
    ///
    /// # Errors
    /// If `type` or `action` is missing, or such a part is not as Linear documents
    /// it.
    pub fn begin(payload: &Payload<'_>) -> Result<Self, ReadError> {
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
        Ok(Self {
            facts,
            // When it happened. The time in `webhookTimestamp` is when it was sent.
            occurred_at: payload.moment(&["/createdAt"]),
            ..Self::default()
        })
    }

    /// Reads who created `entity`: a user, somebody outside of the workspace, or a
    /// bot.
    ///
    /// # Errors
    /// If one of them is there but not as Linear documents it.
    pub fn created_by(
        &mut self,
        entity: &Payload<'_>,
        user: &str,
        external_user: &str,
    ) -> Result<(), ReadError> {
        let (user, external) = (
            people::person(entity, user)?,
            people::person(entity, external_user)?,
        );
        let bot = people::bot(entity);
        self.facts.created_by_bot = bot.is_some();
        self.facts.creator = user.or(external).or(bot);
        Ok(())
    }

    /// Whether the payload names this key among those that an update changed.
    pub fn has_changed(&self, key: &str) -> bool {
        self.facts.changed.iter().any(|changed| changed == key)
    }

    /// The action in words: `create` is `created`, `highRisk` is `high risk`.
    pub fn verb(&self) -> String {
        match self.facts.action.as_str() {
            "create" => "created".into(),
            "update" => "updated".into(),
            "remove" => "removed".into(),
            action => words(action),
        }
    }

    /// Completes who did it: a payload without an actor still tells who created
    /// what it is about; and some users are apps.
    pub fn settle_actor(&mut self) {
        let facts = &mut self.facts;
        if facts.actor.is_none() && facts.action == "create" {
            facts.actor = facts.creator.clone().map(Actor::from);
        }
        let (app_user, by_bot) = (facts.app_user_id.as_deref(), facts.created_by_bot);
        let by_bot = by_bot && facts.action == "create";
        if let Some(actor) = &mut facts.actor {
            actor.app = by_bot || people::is_app(actor, app_user);
        } else if by_bot {
            facts.actor = Some(Actor {
                app: true,
                ..Actor::default()
            });
        }
    }
}

/// `IssueLabel` as `issue label`; `OAuthApp` stays together as `oauth app`.
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

/// A word that the kind is made of.
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
    fn a_name_is_taken_apart_into_words() {
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
