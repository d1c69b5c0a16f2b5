//! One reader for each form of body. A body is told by its keys alone: PostHog names
//! the form nowhere else.

mod alert;
mod custom;
mod entity;
mod event;
mod message;

use crate::dedup::Identity;
use crate::facts::Facts;
use serde_json::{Map, Value};
use triggerhouse_sdk::prelude::*;

/// What a body says, before it is put into the form of an event.
pub struct Outline<'a> {
    /// What is kept of it.
    pub facts: Facts,
    /// What tells it from others.
    pub identity: Identity<'a>,
    /// Microseconds since 1970.
    pub occurred_at: Option<u64>,
}

/// Reads a body, of which only its being an object is known.
///
/// # Errors
/// If it has the keys of a form, but not what PostHog puts there.
pub fn read<'a>(body: &Payload<'a>) -> Result<Outline<'a>, ReadError> {
    let empty = Map::new();
    let keys = body.value().as_object().unwrap_or(&empty);
    let is_object = |key: &str| keys.get(key).is_some_and(Value::is_object);
    let has_text = |key: &str| keys.get(key).is_some_and(Value::is_string);
    if keys.contains_key("event") {
        event::read(body)
    } else if is_object("hook") && is_object("data") {
        event::read_rest_hook(body)
    } else if has_text("type") && is_object("data") {
        alert::read(body)
    } else if has_text("alert_name") && has_text("insight_name") {
        Ok(alert::read_insight(body))
    } else if message::is_message(keys) {
        message::read(body)
    } else {
        Ok(custom::read(body))
    }
}
