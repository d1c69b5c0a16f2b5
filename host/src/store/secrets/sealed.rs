//! Samples of sealed values, which tell whether a master key belongs to this database.

use crate::domain::IntegrationId;
use crate::store::db::all;
use crate::store::{Store, StoreError};
use uuid::Uuid;

/// A value that the master key opens, with the ids that it is bound to.
#[derive(Clone, Debug)]
pub enum SealedValue {
    /// A secret of a trigger, an integration or a sink.
    Secret {
        /// The id of its row.
        id: Uuid,
        /// Encrypted.
        sealed: Vec<u8>,
    },
    /// A credential.
    Credential {
        /// Its integration.
        integration: IntegrationId,
        /// The id of its sealing.
        seal_id: Uuid,
        /// Encrypted.
        sealed: Vec<u8>,
    },
}

// Both ends: values sealed under another key by mistake are the newest, values from before
// the key was replaced are the oldest.
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
    pub async fn sealed_values(&self, max: u32) -> Result<Vec<SealedValue>, StoreError> {
        let max = i64::from(max);
        self.read(async |tx| {
            let secrets = all!(tx, (Uuid, Vec<u8>), SECRETS, max)?;
            let credentials = all!(tx, (IntegrationId, Uuid, Vec<u8>), CREDENTIALS, max)?;
            let secrets = secrets
                .into_iter()
                .map(|(id, sealed)| SealedValue::Secret { id, sealed });
            let credentials = credentials
                .into_iter()
                .map(|(integration, seal_id, sealed)| SealedValue::Credential {
                    integration,
                    seal_id,
                    sealed,
                });
            Ok(secrets.chain(credentials).collect())
        })
        .await
    }
}
