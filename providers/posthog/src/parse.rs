//! A delivery becomes one event.

use crate::delivery::Delivery;
use crate::{PostHog, body, dedup, title};
use triggerhouse_sdk::limits::{ACTOR_BYTES_MAX, KIND_BYTES_MAX, URL_BYTES_MAX};
use triggerhouse_sdk::prelude::*;

impl Webhook for PostHog {
    fn parse(request: WebhookRequest) -> Result<Vec<Event>, ParseError> {
        let delivery = Delivery::read(&request)?;
        let outline = body::read(&Payload::new(&delivery.body))?;
        let facts = outline.facts;
        Ok(vec![Event {
            dedup_key: dedup::key(&delivery, &outline.identity),
            kind: shorten(&facts.event, KIND_BYTES_MAX),
            occurred_at: outline.occurred_at,
            title: title::title(&facts),
            url: title::link(&facts).filter(|url| url.len() <= URL_BYTES_MAX),
            actor: title::actor(&facts).map(|actor| shorten(actor, ACTOR_BYTES_MAX)),
            facts: facts.into_json(),
        }])
    }
}
