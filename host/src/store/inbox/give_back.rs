//! Gives claims back whose work never began, so that they do not count as attempts.

use super::workers::{Returned, concern};
use crate::domain::{DeliveryId, DeliveryStatus};
use crate::store::db::{Tx, all, within};
use crate::store::{Store, StoreError};
use constcat::concat;

const RETURN: &str = "update inbox_queue set status = $3, worker = null, begun = false";
const POSTGRES: &str = concat!(
    RETURN,
    " from unnest($1::uuid[], $2::int4[]) as c (id, attempt)
      where inbox_queue.id = c.id and inbox_queue.attempt = c.attempt and status = $4
      returning lane, position"
);
const SQLITE: &str = concat!(
    RETURN,
    " where id = $1 and attempt = $2 and status = $4 returning lane, position"
);

impl Store {
    /// Gives claims (a delivery and the claim's fence) back: each keeps its place in its
    /// lane, and another claim may take it at once. Returns those that still held.
    pub async fn give_back(
        &self,
        claims: &[(DeliveryId, i32)],
    ) -> Result<Vec<Returned>, StoreError> {
        let (pending, processing) = (DeliveryStatus::Pending, DeliveryStatus::Processing);
        self.write_once(async |tx| {
            let returned = match tx {
                Tx::Postgres(postgres) => {
                    let (ids, attempts): (Vec<uuid::Uuid>, Vec<i32>) =
                        claims.iter().map(|(id, attempt)| (id.0, *attempt)).unzip();
                    let returned = sqlx::query_as(POSTGRES)
                        .bind(ids)
                        .bind(attempts)
                        .bind(pending)
                        .bind(processing);
                    let answer = returned.fetch_all(&mut *postgres.connection);
                    within(postgres.answer_max, answer).await?
                }
                Tx::Sqlite(_) => {
                    let mut returned = Vec::with_capacity(claims.len());
                    for (id, attempt) in claims {
                        let claim = all!(tx, Returned, SQLITE, id, attempt, pending, processing)?;
                        returned.extend(claim);
                    }
                    returned
                }
            };
            concern(tx, &returned);
            Ok(returned)
        })
        .await
    }
}
