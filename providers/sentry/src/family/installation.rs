//! `installation`: an organization has installed the integration, or removed it. The
//! payload's `code` can be exchanged for a token, and is never kept.

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
    let app = installation.app.as_deref();
    let app = app.map(|app| format!(": {app}")).unwrap_or_default();
    outline.headline = format!("Installation {}{app}", outline.verb());
    outline.facts.installed = Some(installation);
    Ok(())
}
