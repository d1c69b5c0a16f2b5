//! One reader for each resource. It reads the parts that are special to its payloads;
//! [`crate::outline::begin`] has read the parts common to all of them.
//!
//! Only this file looks at a resource's name. [`plain`] reads a resource that Sentry adds
//! later: its common facts, and a title made from its name.

mod build;
mod comment;
mod event;
mod installation;
mod issue;
mod legacy;
mod lenient;
mod metric_alert;
mod plain;
mod seer;
mod stack;
mod strict;

use crate::delivery::Delivery;
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// Completes an outline.
type Reader = fn(&Payload<'_>, &mut Outline) -> Result<(), ReadError>;

/// Reads the parts that are special to the resource.
///
/// # Errors
/// If the payload lacks a part that makes it that resource's, or would mislead a filter.
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
