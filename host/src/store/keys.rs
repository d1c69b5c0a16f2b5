//! Organizations and their API keys, of which only a hash is kept.

use super::db::{all, insert, one, optional, row, update};
use super::{Store, StoreError};
use crate::domain::{KeyId, OrgId, Timestamp};
use constcat::concat;

/// An API key as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Its organization.
    pub org: OrgId,
    /// A name for people.
    pub name: String,
    /// The key's first characters.
    pub hint: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

row!(ApiKey { id, org = "org_id", name, hint, created_at, revoked_at });

const SELECT: &str = concat!("select ", ApiKey::COLUMNS, " from api_keys ");

impl Store {
    /// True while no organization exists.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        const SQL: &str = "select count(*) from organizations";
        Ok(self.read(async |tx| one!(tx, scalar i64, SQL)).await? == 0)
    }

    /// Creates a key, and its organization where that is new.
    pub async fn create_key(
        &self,
        org: &OrgId,
        name: &str,
        hash: &[u8],
        hint: &str,
        now: Timestamp,
    ) -> Result<ApiKey, StoreError> {
        let id = KeyId::new();
        self.write(async |tx| {
            insert!(tx, "organizations" { id: org, created_at: now }, "on conflict do nothing")?;
            insert!(tx, "api_keys" {
                id: id,
                org_id: org,
                name: name,
                hash: hash,
                hint: hint,
                created_at: now,
            })
        })
        .await?;
        Ok(ApiKey {
            id,
            org: org.clone(),
            name: name.into(),
            hint: hint.into(),
            created_at: now,
            revoked_at: None,
        })
    }

    /// All keys, oldest first.
    pub async fn list_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        const SQL: &str = concat!(SELECT, "order by id");
        self.read(async |tx| all!(tx, ApiKey, SQL)).await
    }

    /// Revokes a key; false if there is none, or it was revoked before.
    pub async fn revoke_key(&self, id: KeyId, now: Timestamp) -> Result<bool, StoreError> {
        let revoked = self
            .write_once(async |tx| {
                update!(tx, "api_keys" set { revoked_at: now } where { id: id },
                    "and revoked_at is null")
            })
            .await?;
        Ok(revoked == 1)
    }

    /// The live key that has this hash.
    pub async fn live_key(&self, hash: &[u8]) -> Result<Option<ApiKey>, StoreError> {
        const SQL: &str = concat!(SELECT, "where hash = $1 and revoked_at is null");
        self.read(async |tx| optional!(tx, ApiKey, SQL, hash)).await
    }
}
