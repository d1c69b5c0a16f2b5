//! One reader for each family of types. A reader fills in what is special about its
//! events; what all payloads share, [`Outline::begin`] has read already.
//!
//! Only here is an event's type looked at. A type that Linear adds tomorrow is read
//! by [`plain`], with the common facts and a title made from its name.

mod access;
mod agent;
mod comment;
mod issue;
mod plain;
mod project;

pub use plain::is_entity;

use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// Fills in an outline.
type Reader = fn(&Payload<'_>, &mut Outline) -> Result<(), ReadError>;

/// Reads what is special about the event.
///
/// # Errors
/// If the payload lacks what makes it that event, or a filter would be misled.
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
