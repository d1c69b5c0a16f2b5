//! A delivery becomes one event.

use crate::delivery::Delivery;
use crate::facts::Facts;
use crate::outline::Outline;
use crate::{Linear, dedup, family};
use triggerhouse_sdk::limits::{ACTOR_BYTES_MAX, KIND_BYTES_MAX};
use triggerhouse_sdk::one_line;
use triggerhouse_sdk::prelude::*;

impl Webhook for Linear {
    fn parse(request: WebhookRequest) -> Result<Vec<Event>, ParseError> {
        let delivery = Delivery::read(&request)?;
        let payload = Payload::new(&delivery.payload);
        let mut outline = Outline::begin(&payload)?;
        family::read(&payload, &mut outline)?;
        outline.settle_actor();
        Ok(vec![Event {
            dedup_key: dedup::key(&delivery),
            kind: kind(&outline.facts),
            occurred_at: outline.occurred_at,
            title: title(&outline),
            // The payload's own link is to what happened: a comment's, not its issue's.
            url: payload.link("/url").or_else(|| outline.url.take()),
            actor: actor(&outline.facts),
            facts: outline.facts.into_json(),
        }])
    }
}

/// `Issue.update`.
fn kind(facts: &Facts) -> String {
    shorten(&format!("{}.{}", facts.kind, facts.action), KIND_BYTES_MAX)
}

/// For people, so never an id.
fn actor(facts: &Facts) -> Option<String> {
    let name = facts.actor.as_ref()?.called()?;
    Some(shorten(name, ACTOR_BYTES_MAX))
}

/// `[Engineering] Issue ENG-1 created: Crash`, on one line. Of a project's many teams
/// only the ids are known, so what stands before it is one issue's team or nothing.
fn title(outline: &Outline) -> String {
    let team = outline.facts.teams.first();
    let team = team.and_then(|team| team.name.as_ref().or(team.key.as_ref()));
    let scope = team.map(|team| format!("[{team}] ")).unwrap_or_default();
    one_line(&format!("{scope}{}", outline.headline))
}
