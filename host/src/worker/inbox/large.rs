//! A delivery with more events than one transaction may have, settled part by part.

use super::context::InboxContext;
use super::in_flight::HeldRow;
use super::settled::{answers, log_unavailable, write, write_part};
use crate::store::{Settlement, StoreError};
use crate::worker::parts::PartLimits;

/// A delivery with more events than one transaction may have.
pub(super) struct Large {
    pub(super) settlement: Settlement,
    /// Smaller after each failure.
    limits: PartLimits,
    /// Released at the end.
    _row: HeldRow,
}

/// The result of a part.
pub(super) enum Parted {
    /// Parts are left.
    More(Large),
    /// That was the last part, or nothing more can be written.
    Done,
    /// A single event failed.
    Failed(Large, StoreError),
}

impl Large {
    pub(super) fn new(settlement: Settlement, limits: PartLimits, row: HeldRow) -> Self {
        Self {
            settlement,
            limits,
            _row: row,
        }
    }

    /// Writes the next part.
    pub(super) async fn settle_part(mut self, context: &InboxContext) -> Parted {
        let from = self.settlement.written;
        let end = self.limits.part_end(&self.settlement.events, from);
        let is_last = end == self.settlement.events.len();
        let written = if is_last {
            let settlement = std::slice::from_ref(&self.settlement);
            write(context, settlement).await.map(|()| true)
        } else {
            write_part(context, &self.settlement, end).await
        };
        let error = match written {
            Ok(true) if !is_last => {
                self.settlement.written = end;
                return Parted::More(self);
            }
            Ok(_) => return Parted::Done,
            Err(error) => error,
        };
        if error.is_transient() && !answers(context).await {
            log_unavailable(&error, 1);
            return Parted::Done;
        }
        match self.limits.halved(end - from) {
            Some(limits) => Parted::More(Self { limits, ..self }),
            None => Parted::Failed(self, error),
        }
    }
}
