//! The master key, and whether it is the one of this database. A host that opens nothing
//! would refuse every delivery as wrongly signed, so it does not start.

use crate::config::Config;
use crate::secret::{MasterKey, SealedPlace};
use crate::store::{SealedValue, Store};
use anyhow::{Context, bail};

/// Values that are tried at either end.
const TRIED_MAX: u32 = 16;

/// The configured key. On an embedded database in which nothing is sealed yet, its file
/// is made.
///
/// # Errors
/// If there is no key, or it opens nothing of what is sealed in the database although
/// nobody said that it is another one.
pub(super) async fn load(config: &Config, store: &Store) -> anyhow::Result<MasterKey> {
    let sealed = store.sealed_values(TRIED_MAX).await?;
    let may_make = store.is_embedded() && (sealed.is_empty() || config.master_key_replaced);
    let key = configured(config, may_make)?;
    if sealed.is_empty() || sealed.iter().any(|value| opens(&key, value)) {
        return Ok(key);
    }
    if config.master_key_replaced {
        tracing::warn!(
            "nothing in the database opens with the master key, which was said to be another one: \
             enter every secret and credential anew"
        );
        return Ok(key);
    }
    bail!(
        "the master key is not the one of this database: nothing that is sealed in it opens. Put \
         the right one back; if it is lost for good, set master_key_replaced = true, and enter \
         every secret and credential anew"
    )
}

fn configured(config: &Config, may_make: bool) -> anyhow::Result<MasterKey> {
    if !config.master_key.is_empty() {
        return MasterKey::from_base64(&config.master_key).context("master_key");
    }
    let path = &config.master_key_file;
    let key = if may_make {
        MasterKey::load_or_create(path)
    } else {
        MasterKey::from_file(path)
    };
    key.with_context(|| {
        format!(
            "master_key_file {}: it encrypts secrets in the database; put the one of this database \
             there or, for a new database, make one with `openssl rand -base64 32`, give it mode \
             0600 and keep it, or set TRIGGERHOUSE_MASTER_KEY",
            path.display()
        )
    })
}

fn opens(key: &MasterKey, value: &SealedValue) -> bool {
    let (sealed, place) = match value {
        SealedValue::Secret { id, sealed } => (sealed, SealedPlace::SigningSecret(*id)),
        SealedValue::Credential {
            integration,
            seal_id,
            sealed,
        } => {
            let (integration, seal_id) = (*integration, *seal_id);
            let place = SealedPlace::Credential {
                integration,
                seal_id,
            };
            (sealed, place)
        }
    };
    key.open(sealed, place).is_ok()
}
