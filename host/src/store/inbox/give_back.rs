//! Gives claims back whose work never began, so that they do not count as attempts.

use crate::domain::{DeliveryId, DeliveryStatus, Timestamp};
use crate::store::db::exec;
use crate::store::{Store, StoreError};

impl Store {
    /// Gives claims (a delivery and the claim's fence) back: another claim may take them
    /// at once, and these do not count as attempts. Returns how many of them still held.
    pub async fn give_back(
        &self,
        claims: &[(DeliveryId, i32)],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.write(async |tx| {
            let mut given_back = 0;
            for (delivery, attempt) in claims {
                given_back += exec!(
                    tx,
                    "update inbox set status = $3, due_at = $4, attempts_before = attempts_before + 1
                     where id = $1 and attempt = $2 and status = $5",
                    delivery,
                    attempt,
                    DeliveryStatus::Pending,
                    now,
                    DeliveryStatus::Processing,
                )?;
            }
            Ok(given_back)
        })
        .await
    }
}
