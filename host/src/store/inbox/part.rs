//! Writes a part of a settlement that is too large for one transaction: some of its events,
//! with their runs and messages. The delivery is completed with the last part.
//!
//! Fenced like a settlement. If no last part follows, the next attempt writes all of them
//! again: the key of an event and the id of a skip keep it from writing anything twice.

use super::settle::Settled;
use super::settlement::Settlement;
use crate::domain::{DeliveryStatus, Timestamp};
use crate::measure;
use crate::store::db::{ByEngine, locked, optional};
use crate::store::events::draft;
use crate::store::events::write::{self, in_write_order};
use crate::store::{Store, StoreError};

const HOLD: ByEngine = locked!(
    "select 1 from inbox_queue where id = $1 and attempt = $2 and status = $3",
    "for no key update"
);

impl Store {
    /// Writes the events up to `end` that are not written yet; none if the claim no longer
    /// holds.
    ///
    /// # Errors
    /// [`StoreError::Refused`] means that some value cannot be stored.
    pub async fn settle_part(
        &self,
        settlement: &Settlement,
        end: usize,
        now: Timestamp,
    ) -> Result<Option<Settled>, StoreError> {
        let drafts = settlement.source(true).drafts(settlement.written..end, now);
        let drafts = in_write_order(drafts);
        let (delivery, attempt) = (settlement.delivery, settlement.attempt);
        let written = self
            .write(async |tx| {
                let processing = DeliveryStatus::Processing;
                let held = optional!(tx, scalar i32, HOLD, delivery, attempt, processing)?;
                match held {
                    Some(_) => write::write(tx, &drafts).await.map(Some),
                    None => Ok(None),
                }
            })
            .await?;
        let Some(written) = written else {
            return Ok(None);
        };
        draft::measure(&drafts, &written);
        measure::duplicates(drafts.len() - written.len());
        let runs = drafts
            .iter()
            .filter(|draft| draft.run.is_some() && written.contains(&draft.id.0));
        Ok(Some(Settled {
            events: written.len(),
            runs: runs.count(),
            duplicates: drafts.len() - written.len(),
            deliveries: [delivery].into(),
        }))
    }
}
