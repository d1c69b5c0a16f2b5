//! The creation of API keys: by a command, and at the first start.

use crate::clock;
use crate::domain::OrgId;
use crate::secret::{Secret, generate_api_key, hash_api_key};
use crate::store::{ApiKey, Store};

/// The first characters of a key, by which people recognize it in a list.
const HINT_CHARS: usize = 8;

/// Creates an API key. The caller gets the only copy of the key.
///
/// # Errors
/// If the database is unavailable.
pub async fn create_key(
    store: &Store,
    org: &OrgId,
    name: &str,
) -> anyhow::Result<(ApiKey, Secret)> {
    let key = generate_api_key();
    let hint: String = key.expose().chars().take(HINT_CHARS).collect();
    let hash = hash_api_key(key.expose());
    let created = store
        .create_key(org, name, &hash, &hint, clock::now())
        .await?;
    Ok((created, key))
}

/// The key of a first start: one for the default organization if the database is embedded
/// and empty.
pub(super) async fn first_key(store: &Store) -> anyhow::Result<Option<Secret>> {
    if !store.is_embedded() || !store.is_empty().await? {
        return Ok(None);
    }
    let org: OrgId = OrgId::DEFAULT.parse()?;
    let (_, key) = create_key(store, &org, "first start").await?;
    Ok(Some(key))
}
