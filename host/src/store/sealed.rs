//! What is sealed with the master key, to see whether a key is the one of this database.

use super::pool::read;
use super::{Store, StoreError};
use crate::domain::IntegrationId;
use uuid::Uuid;

/// A value that the master key opens, and what it is bound to.
#[derive(Clone, Debug)]
pub enum SealedValue {
    /// A secret of a trigger, an integration or a sink.
    Secret {
        /// Of its row.
        id: Uuid,
        /// Encrypted.
        sealed: Vec<u8>,
    },
    /// A credential.
    Credential {
        /// Whose it is.
        integration: IntegrationId,
        /// Of its sealing.
        seal_id: Uuid,
        /// Encrypted.
        sealed: Vec<u8>,
    },
}

// Both ends: what was made under another key by mistake is the newest, what was made
// before the key was replaced is the oldest.
const SECRETS: &str = "select * from
    (select id, sealed from webhook_secrets order by id limit $1) as oldest
    union all select * from
    (select id, sealed from webhook_secrets order by id desc limit $1) as newest";
const CREDENTIALS: &str = "select * from
    (select integration_id, seal_id, sealed from credentials order by seal_id limit $1) as oldest
    union all select * from
    (select integration_id, seal_id, sealed from credentials
     order by seal_id desc limit $1) as newest";

impl Store {
    /// Up to `max` of the oldest and of the newest sealed values of each kind; none if
    /// nothing is sealed.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn sealed_values(&self, max: u32) -> Result<Vec<SealedValue>, StoreError> {
        let max = i64::from(max);
        let secrets: Vec<(Uuid, Vec<u8>)> = read!(self, pool => {
            sqlx::query_as(SECRETS).bind(max).fetch_all(pool).await?
        });
        let credentials: Vec<(Uuid, Uuid, Vec<u8>)> = read!(self, pool => {
            sqlx::query_as(CREDENTIALS).bind(max).fetch_all(pool).await?
        });
        let secrets = secrets
            .into_iter()
            .map(|(id, sealed)| SealedValue::Secret { id, sealed });
        let credentials = credentials
            .into_iter()
            .map(|(integration, seal_id, sealed)| SealedValue::Credential {
                integration: IntegrationId(integration),
                seal_id,
                sealed,
            });
        Ok(secrets.chain(credentials).collect())
    }
}
