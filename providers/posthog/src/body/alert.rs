//! The webhooks of alerts, whose templates PostHog sets up: `{"id": …, "type":
//! "logs_alert.firing", "timestamp": …, "data": {…}}`, or the data alone for insights.

use super::content::Content;
use super::entity;
use crate::facts::Format;
use triggerhouse_sdk::limits::NAME_BYTES_MAX;
use triggerhouse_sdk::prelude::*;

/// The type that the alerts of insights would have. They send nothing else.
const INSIGHT: &str = "insight_alert.firing";

/// Reads an alert with a type.
///
/// # Errors
/// If the type is empty, or the id is not an id.
pub fn read<'a>(body: &Payload<'a>) -> Result<Content<'a>, ReadError> {
    let kind = entity::required_text(body, "/type")?;
    let mut content = Content::named(Format::Alert, kind, body.value_at("/data"));
    let uuid = entity::id_of(body, &["/id"])?;
    content.facts.uuid = uuid.as_ref().map(|uuid| shorten(uuid, NAME_BYTES_MAX));
    content.identity.uuid = uuid;
    content.identity.timestamp = entity::written(body, "/timestamp");
    content.occurred_at = body.moment(&["/timestamp"]);
    Ok(content)
}

/// Reads the alert of an insight, which has neither id nor time.
pub fn read_insight<'a>(body: &Payload<'a>) -> Content<'a> {
    Content::named(Format::Alert, INSIGHT, Some(body.value()))
}
