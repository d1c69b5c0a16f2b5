//! `installation`: an organization installed the integration or removed it. The payload's
//! `code` can be exchanged for a token, so it is never kept.

use crate::facts::Installation;
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// Reads an installation.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data/installation")?;
    let installation = Installation {
        uuid: entity.name("/uuid"),
        app: entity.name("/app/slug"),
        state: entity.name("/status"),
    };
    outline.facts.organization = entity.name("/organization/slug");
    let app = tail(": ", installation.app.as_deref());
    outline.headline = format!("Installation {}{app}", outline.facts.verb());
    outline.facts.installed = Some(installation);
    Ok(())
}
