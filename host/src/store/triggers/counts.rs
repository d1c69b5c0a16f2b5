//! Counts the events of triggers.

use crate::domain::{EventStatus, TriggerId};
use crate::store::db::Query;
use crate::store::{Store, StoreError};
use std::collections::HashMap;

impl Store {
    /// The number of each trigger's events in each status.
    pub async fn event_counts(
        &self,
        triggers: &[TriggerId],
    ) -> Result<HashMap<TriggerId, HashMap<EventStatus, i64>>, StoreError> {
        let mut counts: HashMap<_, HashMap<_, _>> = HashMap::new();
        if triggers.is_empty() {
            return Ok(counts);
        }
        let query = Query::new("select trigger_id, status, count(*) from events where trigger_id")
            .one_of(triggers.iter().copied())
            .push(" and emptied_at is null group by trigger_id, status");
        let rows: Vec<(TriggerId, EventStatus, i64)> =
            self.read(async |tx| query.all(tx).await).await?;
        for (trigger, status, count) in rows {
            counts.entry(trigger).or_default().insert(status, count);
        }
        Ok(counts)
    }
}
