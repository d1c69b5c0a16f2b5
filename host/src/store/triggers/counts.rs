//! Counts what triggers have seen.

use crate::domain::{EventStatus, TriggerId};
use crate::store::pool::read;
use crate::store::{Store, StoreError};
use std::collections::HashMap;
use uuid::Uuid;

impl Store {
    /// How many events each trigger has in each status.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn event_counts(
        &self,
        triggers: &[TriggerId],
    ) -> Result<HashMap<TriggerId, HashMap<EventStatus, i64>>, StoreError> {
        let mut counts: HashMap<_, HashMap<_, _>> = HashMap::new();
        if triggers.is_empty() {
            return Ok(counts);
        }
        let rows: Vec<(Uuid, String, i64)> = read!(self, pool => {
            let mut query = sqlx::QueryBuilder::new(
                "select trigger_id, status, count(*) from events where trigger_id in (",
            );
            let mut list = query.separated(", ");
            for id in triggers {
                list.push_bind(id.0);
            }
            query.push(") and emptied_at is null group by trigger_id, status");
            query.build_query_as().fetch_all(pool).await?
        });
        for (trigger, status, count) in rows {
            let status = status
                .parse()
                .map_err(|error| StoreError::unreadable("events", "status", error))?;
            counts
                .entry(TriggerId(trigger))
                .or_default()
                .insert(status, count);
        }
        Ok(counts)
    }
}
