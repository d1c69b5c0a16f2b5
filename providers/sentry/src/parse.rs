//! Turns a delivery into one event.

use crate::delivery::Delivery;
use crate::{Sentry, dedup, family, outline};
use triggerhouse_sdk::prelude::*;

impl Webhook for Sentry {
    fn parse(request: WebhookRequest) -> Result<Vec<Event>, ParseError> {
        let delivery = Delivery::read(&request)?;
        let payload = Payload::new(&delivery.payload);
        let mut outline = outline::begin(&delivery, &payload)?;
        family::read(&delivery, &payload, &mut outline)?;
        let facts = &outline.facts;
        outline.scope = facts.scope();
        outline.actor = facts.actor.as_ref().and_then(|actor| actor.name.clone());
        Ok(vec![outline.into_event(dedup::key(&delivery))])
    }
}
