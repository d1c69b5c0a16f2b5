//! The history: every change of an event's or a run's status after its first.

use super::db::{Tx, all, insert, row};
use super::{Store, StoreError};
use crate::domain::OrgId;
use crate::domain::Timestamp;
use crate::domain::run::Transition as Shown;
use uuid::Uuid;

row!(Shown { from = "from_status", to = "to_status", actor, reason, comment, at });

/// A change of status to note.
pub(super) struct Transition<'a> {
    pub(super) org: &'a OrgId,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) actor: &'a str,
    pub(super) reason: Option<&'a str>,
    pub(super) comment: Option<&'a str>,
    pub(super) at: Timestamp,
}

/// Notes that `subject`, an event or a run, changed its status.
pub(super) async fn add(
    tx: &mut Tx<'_>,
    subject: Uuid,
    change: Transition<'_>,
) -> Result<(), StoreError> {
    insert!(tx, "transitions" {
        id: Uuid::now_v7(),
        org_id: change.org,
        subject: subject,
        from_status: change.from,
        to_status: change.to,
        actor: change.actor,
        reason: change.reason,
        comment: change.comment,
        at: change.at,
    })?;
    Ok(())
}

const OF_SUBJECT: &str = constcat::concat!(
    "select ",
    Shown::COLUMNS,
    " from transitions where org_id = $1 and subject = $2 order by id"
);

impl Store {
    /// Every change of status of an event or a run after its first, oldest first.
    pub async fn history(&self, org: &OrgId, subject: Uuid) -> Result<Vec<Shown>, StoreError> {
        self.read(async |tx| all!(tx, Shown, OF_SUBJECT, org, subject))
            .await
    }
}
