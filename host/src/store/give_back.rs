//! Claims that are given back: nothing was tried, so nothing is counted.

use super::pool::write;
use super::{Store, StoreError};
use crate::domain::{DeliveryId, DeliveryStatus, Timestamp};

impl Store {
    /// Gives claims (a delivery and the claim's fence) back: another claim may take
    /// them at once, and these do not count as attempts. Returns how many of them
    /// still held.
    ///
    /// # Errors
    /// If the database is unavailable; then none is given back.
    pub async fn give_back(
        &self,
        claims: &[(DeliveryId, i32)],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        write!(self, tx => {
            let mut given_back = 0;
            for (delivery, attempt) in claims {
                let done = sqlx::query(
                    "update inbox set status = $3, due_at = $4, attempts_before = attempts_before + 1
                     where id = $1 and attempt = $2 and status = $5",
                )
                .bind(delivery.0)
                .bind(attempt)
                .bind(DeliveryStatus::Pending.as_str())
                .bind(now.0)
                .bind(DeliveryStatus::Processing.as_str())
                .execute(&mut **tx)
                .await?;
                given_back += done.rows_affected();
            }
            Ok::<_, StoreError>(given_back)
        })
    }
}
