//! What the webhooks of alerts send, which PostHog sets up with templates of its own:
//! `{"id": …, "type": "logs_alert.firing", "timestamp": …, "data": {…}}`, and for the
//! alerts of insights the data alone.

use super::event::PROPERTIES_BYTES_MAX;
use super::{Outline, entity};
use crate::dedup::Identity;
use crate::facts::{Bag, Facts, Format};
use serde_json::Value;
use triggerhouse_sdk::limits::NAME_BYTES_MAX;
use triggerhouse_sdk::prelude::*;

/// What PostHog would write into `type`, had the alerts of insights one: they send
/// nothing else.
const INSIGHT: &str = "insight_alert.firing";

/// An alert with a type.
///
/// # Errors
/// If the type is empty, or the id is none.
pub fn read<'a>(body: &Payload<'a>) -> Result<Outline<'a>, ReadError> {
    let kind = entity::required_text(body, "/type")?;
    let mut outline = outline(kind, body.value_at("/data"));
    outline.identity.uuid = entity::id_of(body, &["/id"])?;
    outline.identity.timestamp = entity::written(body, "/timestamp");
    let uuid = outline.identity.uuid.as_ref();
    outline.facts.uuid = uuid.map(|uuid| shorten(uuid, NAME_BYTES_MAX));
    outline.occurred_at = body.moment(&["/timestamp"]);
    Ok(outline)
}

/// The alert of an insight, which carries neither id nor time.
pub fn read_insight<'a>(body: &Payload<'a>) -> Outline<'a> {
    outline(INSIGHT, Some(body.value()))
}

fn outline<'a>(kind: &'a str, data: Option<&Value>) -> Outline<'a> {
    let bag = data
        .and_then(Value::as_object)
        .map(|data| Bag::keep(data, PROPERTIES_BYTES_MAX))
        .unwrap_or_default();
    Outline {
        facts: Facts {
            format: Format::Alert,
            event: shorten(kind, NAME_BYTES_MAX),
            properties: bag.kept,
            properties_omitted: bag.omitted,
            reduced: bag.more_omitted,
            ..Facts::default()
        },
        identity: Identity {
            event: kind,
            ..Identity::default()
        },
        occurred_at: None,
    }
}
