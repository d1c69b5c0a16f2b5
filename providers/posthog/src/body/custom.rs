//! Any other body: its owner wrote the template, and only the owner knows its meaning. All of
//! it becomes properties, which a trigger can ask for. None of it counts as a person or a
//! project.

use super::content::Content;
use crate::facts::Format;
use triggerhouse_sdk::prelude::*;

const KIND: &str = "custom.received";

/// Reads any object.
pub fn read<'a>(body: &Payload<'a>) -> Content<'a> {
    Content::named(Format::Custom, KIND, Some(body.value()))
}
