//! Turns a delivery into one event.

use crate::delivery::Delivery;
use crate::{GitHub, dedup, family, outline};
use triggerhouse_sdk::prelude::*;

impl Webhook for GitHub {
    fn parse(request: WebhookRequest) -> Result<Vec<Event>, ParseError> {
        let delivery = Delivery::read(&request)?;
        let payload = Payload::new(&delivery.payload);
        let mut outline = outline::begin(&delivery, &payload)?;
        family::read(&payload, &mut outline)?;
        let facts = &outline.facts;
        let actor = facts.sender.as_ref().or(facts.author.as_ref());
        outline.actor = actor.map(|account| account.login.clone());
        outline.url = outline.url.or_else(|| facts.repository_link(""));
        Ok(vec![outline.into_event(dedup::key(&delivery))])
    }
}
