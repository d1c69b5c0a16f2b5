//! Chores, each of which one replica does at a time: a row per chore, which is due or leased.

use super::db::{exec, update};
use super::{Store, StoreError};
use crate::domain::Timestamp;

/// Work that one replica does at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chore {
    /// Deletes old rows.
    Retention,
}

impl Chore {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Retention => "retention",
        }
    }
}

impl Store {
    /// Takes a chore that is due, until `until`; false if another replica has it.
    pub async fn claim_chore(
        &self,
        chore: Chore,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let claimed = self
            .write_once(async |tx| {
                exec!(
                    tx,
                    "update chores set due_at = $3 where name = $1 and due_at <= $2",
                    chore.as_str(),
                    now,
                    until,
                )
            })
            .await?;
        Ok(claimed == 1)
    }

    /// Moves the due time of a chore that is held until `held`: to hold it longer, or to set
    /// when it is due again. False if it was no longer held.
    pub async fn move_chore(
        &self,
        chore: Chore,
        held: Timestamp,
        due_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let moved = self
            .write_once(async |tx| {
                update!(tx, "chores" set { due_at: due_at } where {
                    name: chore.as_str(),
                    due_at: held,
                })
            })
            .await?;
        Ok(moved == 1)
    }
}
