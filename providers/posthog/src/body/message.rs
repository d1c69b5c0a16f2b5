//! The webhook of an action, the predecessor of destinations: a text that people read, and for
//! Slack the same text in blocks.

use super::content::Content;
use super::entity;
use crate::facts::Format;
use serde_json::{Map, Value};
use triggerhouse_sdk::prelude::*;

/// The text does not name its event. It is always an action.
const KIND: &str = "action.performed";

/// True for a body with a text and no key that such a webhook does not send.
pub fn is_message(keys: &Map<String, Value>) -> bool {
    let known = |key: &String| key == "text" || key == "blocks";
    keys.contains_key("text") && keys.keys().all(known)
}

/// Reads a text.
///
/// # Errors
/// If it is empty or not a text.
pub fn read<'a>(body: &Payload<'a>) -> Result<Content<'a>, ReadError> {
    entity::required_text(body, "/text")?;
    let mut content = Content::named(Format::Message, KIND, None);
    content.facts.text = body.prose("/text");
    Ok(content)
}
