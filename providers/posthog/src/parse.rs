//! Turns a delivery into one event.

use crate::body::{self, Content};
use crate::{PostHog, dedup, title};
use triggerhouse_sdk::prelude::*;

impl Webhook for PostHog {
    fn parse(request: WebhookRequest) -> Result<Vec<Event>, ParseError> {
        let body = request.object()?;
        let Content {
            facts,
            identity,
            occurred_at,
        } = body::read(&Payload::new(&body))?;
        let outline = Outline {
            kind: facts.event.clone(),
            occurred_at,
            scope: title::scope(&facts),
            headline: title::headline(&facts),
            url: title::link(&facts),
            actor: title::actor(&facts).map(str::to_owned),
            facts,
        };
        Ok(vec![outline.into_event(dedup::key(&request, &identity))])
    }
}
