//! Events: the body of an HTTP Webhook destination, in its default form and in edited forms,
//! and the body of the REST hooks for Zapier.
//!
//! ```text
//! {"event": {"event": "$pageview", "uuid": …}, "person": {…}, …}   the default
//! {"event": "$pageview", "uuid": …, "person": {…}, …}              the same, flat
//! {"hook": {…}, "data": {"event": "$pageview", "eventUuid": …}}    a REST hook
//! ```

use super::content::{Content, PROPERTIES_BYTES_MAX};
use super::entity;
use crate::dedup::Identity;
use crate::facts::{Bag, Facts, Format, Hook};
use serde_json::Value;
use triggerhouse_sdk::limits::NAME_BYTES_MAX;
use triggerhouse_sdk::prelude::*;

/// Reads the body of a destination.
///
/// # Errors
/// If the event has no name, or a part that a filter decides on is not as PostHog writes it.
pub fn read<'a>(body: &Payload<'a>) -> Result<Content<'a>, ReadError> {
    let event = match body.value_at("/event") {
        // The event's name instead of the event: its parts are beside it.
        Some(Value::String(_)) => body.clone(),
        _ => body.object("/event").map_err(|error| ReadError {
            expected: "an event or its name",
            ..error
        })?,
    };
    let mut content = read_event(&event, body)?;
    content.facts.groups = entity::groups(body);
    content.facts.source = entity::source(body);
    content.identity.rule = entity::rule(body);
    Ok(content)
}

/// Reads the body of a REST hook.
///
/// # Errors
/// See [`read`].
pub fn read_rest_hook<'a>(body: &Payload<'a>) -> Result<Content<'a>, ReadError> {
    let data = body.object("/data")?;
    let mut content = read_event(&data, &data)?;
    let hook = body.object("/hook")?;
    let id = entity::id_of(&hook, &["/id"])?;
    content.facts.format = Format::RestHook;
    content.facts.hook = Some(Hook {
        id: id.as_ref().map(|id| shorten(id, NAME_BYTES_MAX)),
        event: hook.name("/event"),
    });
    content.identity.rule = id;
    Ok(content)
}

/// Reads the event's own parts from `event`, and its surroundings from `around`.
fn read_event<'a>(event: &Payload<'a>, around: &Payload<'a>) -> Result<Content<'a>, ReadError> {
    let name = entity::required_text(event, "/event")?;
    let uuid = entity::id_of(event, &["/uuid", "/eventUuid"])?;
    let distinct_id = entity::id_of(event, &["/distinct_id", "/distinctId"])?;
    let properties = event.object_opt("/properties")?;
    let properties = properties.as_ref().map(Payload::value);
    let bag = Bag::of(properties, PROPERTIES_BYTES_MAX);
    let short = |text: &String| shorten(text, NAME_BYTES_MAX);
    let facts = Facts {
        format: Format::Event,
        event: shorten(name, NAME_BYTES_MAX),
        uuid: uuid.as_ref().map(short),
        distinct_id: distinct_id.as_ref().map(short),
        url: event.link("/url"),
        properties: bag.kept,
        properties_omitted: bag.omitted,
        reduced: bag.more_omitted,
        elements_chain: event.prose("/elements_chain"),
        person: entity::person(around)?,
        project: entity::project(around, event, uuid.as_deref())?,
        ..Facts::default()
    };
    let identity = Identity {
        uuid,
        rule: None,
        event: name,
        distinct_id,
        timestamp: entity::written(event, "/timestamp"),
    };
    Ok(Content {
        facts,
        identity,
        occurred_at: event.moment(&["/timestamp"]),
    })
}
