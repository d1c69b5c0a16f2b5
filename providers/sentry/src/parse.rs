//! A delivery becomes one event.

use crate::delivery::Delivery;
use crate::facts::Facts;
use crate::outline::Outline;
use crate::{Sentry, dedup, family};
use triggerhouse_sdk::limits::{ACTOR_BYTES_MAX, KIND_BYTES_MAX};
use triggerhouse_sdk::one_line;
use triggerhouse_sdk::prelude::*;

impl Webhook for Sentry {
    fn parse(request: WebhookRequest) -> Result<Vec<Event>, ParseError> {
        let delivery = Delivery::read(&request)?;
        let payload = Payload::new(&delivery.payload);
        let mut outline = Outline::begin(&delivery, &payload)?;
        family::read(&delivery, &payload, &mut outline)?;
        let actor = outline.facts.actor.as_ref();
        let actor = actor.and_then(|actor| actor.name.as_deref());
        Ok(vec![Event {
            dedup_key: dedup::key(&delivery),
            kind: kind(&outline.facts),
            occurred_at: outline.occurred_at,
            title: title(&outline),
            url: outline.url.take(),
            actor: actor.map(|name| shorten(name, ACTOR_BYTES_MAX)),
            facts: outline.facts.into_json(),
        }])
    }
}

/// `issue.created`, or the resource alone should Sentry send no action.
fn kind(facts: &Facts) -> String {
    match &facts.action {
        Some(action) => shorten(&format!("{}.{action}", facts.resource), KIND_BYTES_MAX),
        None => facts.resource.clone(),
    }
}

/// `[front-end] Issue FRONT-END-9 created: Crash`, on one line.
fn title(outline: &Outline) -> String {
    let facts = &outline.facts;
    let project = facts.project.as_ref();
    let scope = project
        .and_then(|project| project.slug.as_ref().or(project.id.as_ref()))
        .or(facts.organization.as_ref());
    let scope = scope.map(|scope| format!("[{scope}] ")).unwrap_or_default();
    one_line(&format!("{scope}{}", outline.headline))
}
