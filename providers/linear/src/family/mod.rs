//! One reader for each family of types. It reads the parts that are special to its events;
//! [`crate::outline::begin`] has read the parts common to all payloads.
//!
//! Only this file looks at an event's type. [`plain`] reads a type that Linear adds later:
//! its common facts, and a title made from its name.

mod access;
mod agent;
mod comment;
mod issue;
mod plain;
mod project;

pub use plain::is_entity;

use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// Completes an outline.
type Reader = fn(&Payload<'_>, &mut Outline) -> Result<(), ReadError>;

/// Reads the parts that are special to the event.
///
/// # Errors
/// If the payload lacks a part that makes it that event, or would mislead a filter.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    reader(&outline.facts.kind)(payload, outline)
}

fn reader(kind: &str) -> Reader {
    match kind {
        "Issue" => issue::issue,
        "IssueSLA" => issue::sla,
        "Comment" => comment::comment,
        "Reaction" => comment::reaction,
        "Project" => project::project,
        "ProjectUpdate" => project::update,
        "Initiative" => project::initiative,
        "InitiativeUpdate" => project::initiative_update,
        "AppUserNotification" => agent::notification,
        "AgentSessionEvent" => agent::session,
        "OAuthApp" => access::app,
        "OAuthAuthorization" => access::authorization,
        "PermissionChange" => access::permissions,
        _ => plain::read,
    }
}
