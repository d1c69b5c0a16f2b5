//! A delivery becomes one event.

use crate::delivery::Delivery;
use crate::facts::Facts;
use crate::outline::Outline;
use crate::{GitHub, dedup, family};
use triggerhouse_sdk::limits::{ACTOR_BYTES_MAX, KIND_BYTES_MAX, URL_BYTES_MAX};
use triggerhouse_sdk::one_line;
use triggerhouse_sdk::prelude::*;

impl Webhook for GitHub {
    fn parse(request: WebhookRequest) -> Result<Vec<Event>, ParseError> {
        let delivery = Delivery::read(&request)?;
        let payload = Payload::new(&delivery.payload);
        let mut outline = Outline::begin(&delivery, &payload)?;
        family::read(&payload, &mut outline)?;
        let url = outline.url.take().or_else(|| outline.repository_link(""));
        let actor = outline
            .facts
            .sender
            .as_ref()
            .or(outline.facts.author.as_ref());
        Ok(vec![Event {
            dedup_key: dedup::key(&delivery),
            kind: kind(&outline.facts),
            occurred_at: outline.occurred_at,
            title: title(&outline),
            url: url.filter(|url| url.len() <= URL_BYTES_MAX),
            actor: actor.map(|account| shorten(&account.login, ACTOR_BYTES_MAX)),
            facts: outline.facts.into_json(),
        }])
    }
}

/// `issues.opened`, or `push` for the events without an action.
fn kind(facts: &Facts) -> String {
    match &facts.action {
        Some(action) => shorten(&format!("{}.{action}", facts.event), KIND_BYTES_MAX),
        None => facts.event.clone(),
    }
}

/// `[octo-org/hello] Issue #1 opened: Crash`, on one line.
fn title(outline: &Outline) -> String {
    let facts = &outline.facts;
    let repository = facts
        .repository
        .as_ref()
        .map(|repository| &repository.full_name);
    let scope = repository
        .or(facts.organization.as_ref())
        .or(facts.enterprise.as_ref());
    let scope = scope.map(|scope| format!("[{scope}] ")).unwrap_or_default();
    one_line(&format!("{scope}{}", outline.headline))
}
