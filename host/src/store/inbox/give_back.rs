//! Gives claims back whose work never began, so that they do not count as attempts.

use super::workers::{Returned, concern};
use crate::domain::{DeliveryId, DeliveryStatus};
use crate::store::db::all;
use crate::store::{Store, StoreError};

impl Store {
    /// Gives claims (a delivery and the claim's fence) back: each keeps its place in its
    /// lane, and another claim may take it at once. Returns those that still held.
    pub async fn give_back(
        &self,
        claims: &[(DeliveryId, i32)],
    ) -> Result<Vec<Returned>, StoreError> {
        self.write(async |tx| {
            let mut returned = Vec::with_capacity(claims.len());
            for (delivery, attempt) in claims {
                returned.extend(all!(
                    tx,
                    Returned,
                    "update inbox_queue set status = $3, worker = null, begun = false
                     where id = $1 and attempt = $2 and status = $4
                     returning lane, position",
                    delivery,
                    attempt,
                    DeliveryStatus::Pending,
                    DeliveryStatus::Processing,
                )?);
            }
            concern(tx, &returned);
            Ok(returned)
        })
        .await
    }
}
