//! Events: the body of an HTTP Webhook destination, in its default form and in what
//! people make of it, and that of the REST hooks for Zapier.
//!
//! ```text
//! {"event": {"event": "$pageview", "uuid": …}, "person": {…}, …}   the default
//! {"event": "$pageview", "uuid": …, "person": {…}, …}              the same, laid flat
//! {"hook": {…}, "data": {"event": "$pageview", "eventUuid": …}}    a REST hook
//! ```

use super::{Outline, entity};
use crate::dedup::Identity;
use crate::facts::{Bag, Facts, Format, Hook};
use serde_json::Value;
use triggerhouse_sdk::limits::NAME_BYTES_MAX;
use triggerhouse_sdk::prelude::*;

/// The JSON of all properties that are kept.
pub(super) const PROPERTIES_BYTES_MAX: usize = 131_072;

/// The body of a destination.
///
/// # Errors
/// If the event has no name, or a part that a filter decides on is not as PostHog
/// writes it.
pub fn read<'a>(body: &Payload<'a>) -> Result<Outline<'a>, ReadError> {
    let event = match body.value_at("/event") {
        // A name in place of the event: its parts stand beside it.
        Some(Value::String(_)) => body.clone(),
        _ => body.object("/event").map_err(|error| ReadError {
            expected: "an event or its name",
            ..error
        })?,
    };
    let mut outline = read_event(&event, body)?;
    outline.facts.groups = entity::groups(body);
    outline.facts.source = entity::source(body);
    outline.identity.rule = entity::rule(body);
    Ok(outline)
}

/// The body of a REST hook.
///
/// # Errors
/// See [`read`].
pub fn read_rest_hook<'a>(body: &Payload<'a>) -> Result<Outline<'a>, ReadError> {
    let data = body.object("/data")?;
    let mut outline = read_event(&data, &data)?;
    let hook = body.object("/hook")?;
    outline.facts.format = Format::RestHook;
    outline.facts.hook = Some(Hook {
        id: entity::id_of(&hook, &["/id"])?.map(|id| shorten(&id, NAME_BYTES_MAX)),
        event: hook.name("/event"),
    });
    outline.identity.rule = entity::id_of(&hook, &["/id"])?;
    Ok(outline)
}

/// `event` is where the event's own parts stand, `around` where those beside it do.
fn read_event<'a>(event: &Payload<'a>, around: &Payload<'a>) -> Result<Outline<'a>, ReadError> {
    let name = entity::required_text(event, "/event")?;
    let uuid = entity::id_of(event, &["/uuid", "/eventUuid"])?;
    let distinct_id = entity::id_of(event, &["/distinct_id", "/distinctId"])?;
    let properties = event.object_opt("/properties")?;
    let bag = properties
        .and_then(|properties| properties.value().as_object())
        .map(|properties| Bag::keep(properties, PROPERTIES_BYTES_MAX))
        .unwrap_or_default();
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
    Ok(Outline {
        facts,
        identity,
        occurred_at: event.moment(&["/timestamp"]),
    })
}
