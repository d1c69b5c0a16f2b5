//! Organizations and their API keys, of which only a hash is kept.

use super::matching::org_id;
use super::pool::{read, write};
use super::{Store, StoreError};
use crate::domain::{KeyId, OrgId, Timestamp};
use uuid::Uuid;

/// An API key as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Whose it is.
    pub org: OrgId,
    /// For people.
    pub name: String,
    /// The key's first characters.
    pub hint: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    id: Uuid,
    org_id: String,
    name: String,
    hint: String,
    created_at: i64,
    revoked_at: Option<i64>,
}

impl TryFrom<KeyRow> for ApiKey {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: KeyId(row.id),
            org: org_id("api_keys", &row.org_id)?,
            name: row.name,
            hint: row.hint,
            created_at: Timestamp(row.created_at),
            revoked_at: row.revoked_at.map(Timestamp),
        })
    }
}

impl Store {
    /// Whether no organization exists yet.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        let organizations: i64 = read!(self, pool => {
            sqlx::query_scalar("select count(*) from organizations").fetch_one(pool).await?
        });
        Ok(organizations == 0)
    }

    /// Creates a key, and its organization where that is new.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn create_key(
        &self,
        org: &OrgId,
        name: &str,
        hash: &[u8],
        hint: &str,
        now: Timestamp,
    ) -> Result<ApiKey, StoreError> {
        let id = KeyId::new();
        write!(self, tx => {
            sqlx::query("insert into organizations (id, created_at) values ($1, $2) on conflict do nothing")
                .bind(org.as_str())
                .bind(now.0)
                .execute(&mut **tx)
                .await?;
            sqlx::query(
                "insert into api_keys (id, org_id, name, hash, hint, created_at)
                 values ($1, $2, $3, $4, $5, $6)",
            )
            .bind(id.0)
            .bind(org.as_str())
            .bind(name)
            .bind(hash)
            .bind(hint)
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
            Ok::<_, StoreError>(())
        })?;
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
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn list_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let rows: Vec<KeyRow> = read!(self, pool => {
            sqlx::query_as("select id, org_id, name, hint, created_at, revoked_at from api_keys order by id")
                .fetch_all(pool)
                .await?
        });
        rows.into_iter().map(ApiKey::try_from).collect()
    }

    /// Revokes a key; false if there is none, or it was revoked before.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn revoke_key(&self, id: KeyId, now: Timestamp) -> Result<bool, StoreError> {
        write!(self, tx => {
            let done = sqlx::query("update api_keys set revoked_at = $2 where id = $1 and revoked_at is null")
                .bind(id.0)
                .bind(now.0)
                .execute(&mut **tx)
                .await?;
            Ok(done.rows_affected() == 1)
        })
    }

    /// The live key that has this hash.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn live_key(&self, hash: &[u8]) -> Result<Option<ApiKey>, StoreError> {
        let row: Option<KeyRow> = read!(self, pool => {
            sqlx::query_as(
                "select id, org_id, name, hint, created_at, revoked_at from api_keys
                 where hash = $1 and revoked_at is null",
            )
            .bind(hash)
            .fetch_optional(pool)
            .await?
        });
        row.map(ApiKey::try_from).transpose()
    }
}
