//! Turns a delivery into one event.

use crate::{Linear, dedup, family, outline};
use triggerhouse_sdk::prelude::*;

impl Webhook for Linear {
    fn parse(request: WebhookRequest) -> Result<Vec<Event>, ParseError> {
        let body = request.object()?;
        let payload = Payload::new(&body);
        let mut outline = outline::begin(&payload)?;
        family::read(&payload, &mut outline)?;
        let facts = &mut outline.facts;
        facts.settle_actor();
        outline.scope = facts.scope();
        // Never an id: people read it.
        outline.actor = facts
            .actor
            .as_ref()
            .and_then(|actor| actor.label())
            .map(str::to_owned);
        // The payload's own link leads to what happened: to a comment, not to its issue.
        outline.url = payload.link("/url").or(outline.url);
        // A proxy may drop the header.
        let id = request.trimmed_header("linear-delivery");
        Ok(vec![outline.into_event(dedup::key(id, &payload))])
    }
}
