//! One reader for each resource. A reader fills in what is special about its payloads;
//! what all of them share, [`Outline::begin`] has read already.
//!
//! Only here is a resource's name looked at. One that Sentry adds tomorrow is read by
//! [`plain`], with the common facts and a title made from its name.

mod build;
mod comment;
mod event;
mod installation;
mod issue;
mod legacy;
pub mod lenient;
mod metric_alert;
mod plain;
mod seer;
mod stack;
mod strict;

use crate::delivery::Delivery;
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// Fills in an outline.
type Reader = fn(&Payload<'_>, &mut Outline) -> Result<(), ReadError>;

/// Reads what is special about the resource.
///
/// # Errors
/// If the payload lacks what makes it that resource's, or a filter would be misled.
pub fn read(
    delivery: &Delivery<'_>,
    payload: &Payload<'_>,
    outline: &mut Outline,
) -> Result<(), ReadError> {
    let reader: Reader = if delivery.legacy {
        legacy::read
    } else {
        match delivery.resource.as_str() {
            "issue" => issue::read,
            "event_alert" => event::alert,
            "error" => event::error,
            "metric_alert" => metric_alert::read,
            "comment" => comment::read,
            "installation" => installation::read,
            "seer" => seer::read,
            "preprod_artifact" | "size_analysis" => build::read,
            _ => plain::read,
        }
    };
    reader(payload, outline)
}
