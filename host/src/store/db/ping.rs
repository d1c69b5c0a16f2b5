//! Questions about the database itself: does it answer, does it take writes, and what is the
//! time there?

use super::{Store, Tx, one, postgres, within};
use crate::domain::Timestamp;
use crate::store::StoreError;

impl Store {
    /// Succeeds if the database answers and takes writes.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read(async |tx| match tx {
            Tx::Postgres(postgres) => {
                let ask = postgres::is_read_only(&mut *postgres.connection);
                match within(postgres.answer_max, ask).await? {
                    true => Err(StoreError::read_only()),
                    false => Ok(()),
                }
            }
            Tx::Sqlite(connection) => {
                sqlx::query("select 1").execute(&mut **connection).await?;
                Ok(())
            }
        })
        .await
    }

    /// The database's clock. None where that is the clock of this machine. This is the only
    /// statement that asks for the time: to compare clocks, never to write one down.
    pub async fn database_time(&self) -> Result<Option<Timestamp>, StoreError> {
        const CLOCK: &str = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint";
        if self.is_embedded() {
            return Ok(None);
        }
        let time = self.read(async |tx| one!(tx, scalar Timestamp, CLOCK));
        time.await.map(Some)
    }
}
