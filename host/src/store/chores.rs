//! What one replica does at a time: a row per chore, which is due or leased.

use super::pool::write;
use super::{Store, StoreError};
use crate::domain::Timestamp;

/// What is done by one replica at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chore {
    /// Deleting what has grown old.
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
    /// Takes a chore that is due, until `until`. Whether it was free.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn claim_chore(
        &self,
        chore: Chore,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = write!(self, tx => {
            Ok::<_, StoreError>(sqlx::query("update chores set due_at = $3 where name = $1 and due_at <= $2")
                .bind(chore.as_str())
                .bind(now.0)
                .bind(until.0)
                .execute(&mut **tx)
                .await?
                .rows_affected())
        })?;
        Ok(done == 1)
    }

    /// Moves a chore that is held until `held`: to hold it longer, or to say when it is
    /// due again. Whether it was still held.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn move_chore(
        &self,
        chore: Chore,
        held: Timestamp,
        due_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = write!(self, tx => {
            Ok::<_, StoreError>(sqlx::query("update chores set due_at = $3 where name = $1 and due_at = $2")
                .bind(chore.as_str())
                .bind(held.0)
                .bind(due_at.0)
                .execute(&mut **tx)
                .await?
                .rows_affected())
        })?;
        Ok(done == 1)
    }
}
