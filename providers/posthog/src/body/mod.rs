//! One reader for each form of body. Only the keys of a body tell its form: PostHog names the
//! form nowhere else.

mod alert;
mod content;
mod custom;
mod entity;
mod event;
mod message;

pub use content::Content;

use serde_json::{Map, Value};
use triggerhouse_sdk::prelude::*;

/// Reads a body, which is an object.
///
/// # Errors
/// If it has the keys of a form, but not the values that PostHog puts there.
pub fn read<'a>(body: &Payload<'a>) -> Result<Content<'a>, ReadError> {
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
