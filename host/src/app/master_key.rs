//! The master key of the process.
//!
//! Owns: the check that it opens the secrets of this database. A host with another key
//! would refuse every delivery as wrongly signed, so it does not start.
//! Never does: encrypt or decrypt; see `secret`.

use crate::config::Config;
use crate::secret::{MasterKey, SealedPlace};
use crate::store::{SealedValue, Store};
use anyhow::{Context, bail};

/// Sealed values that are tried, the oldest and the newest.
const TRIED_MAX: u32 = 16;

/// The configured key. Creates its file if the database is embedded and holds no sealed
/// value.
///
/// # Errors
/// If there is no key, or if it opens no sealed value of the database and
/// `master_key_replaced` is not set.
pub(super) async fn load(config: &Config, store: &Store) -> anyhow::Result<MasterKey> {
    let sealed = store.sealed_values(TRIED_MAX).await?;
    let may_create = store.is_embedded() && (sealed.is_empty() || config.master_key_replaced);
    let key = configured(config, may_create)?;
    if sealed.is_empty() || sealed.iter().any(|value| opens(&key, value)) {
        return Ok(key);
    }
    if config.master_key_replaced {
        tracing::warn!(
            "the master key opens no secret in the database, and master_key_replaced is set: enter \
             every secret and credential again"
        );
        return Ok(key);
    }
    bail!(
        "the master key is not the one of this database: it opens none of the secrets in it. \
         Restore the right key. If it is lost, set master_key_replaced = true and enter every \
         secret and credential again"
    )
}

fn configured(config: &Config, may_create: bool) -> anyhow::Result<MasterKey> {
    let key = config.master_key.expose();
    if !key.is_empty() {
        return MasterKey::from_base64(key).context("master_key");
    }
    let path = &config.master_key_file;
    let key = if may_create {
        MasterKey::load_or_create(path)
    } else {
        MasterKey::from_file(path)
    };
    key.with_context(|| {
        format!(
            "master_key_file {}: this key encrypts the secrets in the database. Put the one of \
             this database there. For a new database create one with `openssl rand -base64 32`, \
             give it mode 0600 and keep a copy, or set TRIGGERHOUSE_MASTER_KEY",
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
