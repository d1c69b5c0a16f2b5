//! The webhook secrets of triggers, integrations and sinks, sealed with the master key.

mod rotate;
mod sealed;

pub use sealed::SealedValue;

use super::StoreError;
use super::db::{Tx, exec, insert, row};
use crate::domain::{AutomationId, Timestamp};
use uuid::Uuid;

/// A secret as it is stored.
#[derive(Clone, Debug)]
pub struct SealedSecret {
    /// Its row, to which the sealing is bound.
    pub id: Uuid,
    /// Encrypted with the master key.
    pub sealed: Vec<u8>,
    /// The time from which it is no longer accepted.
    pub expires_at: Option<Timestamp>,
}

row!(SealedSecret {
    id,
    sealed,
    expires_at
});

/// Adds a secret to a trigger, an integration or a sink.
pub(super) async fn add(
    tx: &mut Tx<'_>,
    subject: Uuid,
    secret: &SealedSecret,
    now: Timestamp,
) -> Result<(), StoreError> {
    insert!(tx, "webhook_secrets" {
        id: secret.id,
        subject: subject,
        sealed: secret.sealed.as_slice(),
        created_at: now,
    })?;
    Ok(())
}

/// Removes every secret of a trigger, an integration or a sink.
pub(super) async fn remove(tx: &mut Tx<'_>, subject: Uuid) -> Result<(), StoreError> {
    exec!(
        tx,
        "delete from webhook_secrets where subject = $1",
        subject
    )?;
    Ok(())
}

/// Removes every secret of the triggers that an automation had when it was deleted at `at`.
pub(super) async fn remove_of_automation(
    tx: &mut Tx<'_>,
    automation: AutomationId,
    at: Timestamp,
) -> Result<(), StoreError> {
    exec!(
        tx,
        "delete from webhook_secrets where subject in (
            select id from triggers where automation_id = $1 and deleted_at = $2)",
        automation,
        at,
    )?;
    Ok(())
}

/// Adds a secret, lets those before it expire at `old_until` unless they expire sooner, and
/// removes the expired ones. The caller holds the subject's lock, so that each rotation
/// expires the secret of the one before.
async fn replace(
    tx: &mut Tx<'_>,
    subject: Uuid,
    secret: &SealedSecret,
    old_until: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    exec!(
        tx,
        "update webhook_secrets set expires_at = $2
         where subject = $1 and (expires_at is null or expires_at > $2)",
        subject,
        old_until,
    )?;
    exec!(
        tx,
        "delete from webhook_secrets where subject = $1 and expires_at <= $2",
        subject,
        now,
    )?;
    add(tx, subject, secret, now).await
}
