//! The webhook of an action, from before there were destinations: a text for people,
//! and for Slack the same text in blocks.

use super::{Outline, entity};
use crate::dedup::Identity;
use crate::facts::{Facts, Format};
use serde_json::{Map, Value};
use triggerhouse_sdk::prelude::*;

/// The text does not say which event it was about, but an action it was.
const KIND: &str = "action.performed";

/// Whether there is a text and nothing that such a webhook does not send.
pub fn is_message(keys: &Map<String, Value>) -> bool {
    let known = |key: &String| key == "text" || key == "blocks";
    keys.contains_key("text") && keys.keys().all(known)
}

/// A text.
///
/// # Errors
/// If it is none, or empty.
pub fn read<'a>(body: &Payload<'a>) -> Result<Outline<'a>, ReadError> {
    entity::required_text(body, "/text")?;
    Ok(Outline {
        facts: Facts {
            format: Format::Message,
            event: KIND.to_owned(),
            text: body.prose("/text"),
            ..Facts::default()
        },
        identity: Identity {
            event: KIND,
            ..Identity::default()
        },
        occurred_at: None,
    })
}
