//! Integrations.

use super::credentials::{lift, reconnect, remove_credential, set_credential};
use super::error::taken;
use super::polls::PollGroups as _;
use super::pool::{read, write};
use super::routes::{SealedSecret, add_secret, changed};
use super::{CredentialChange, Page, PageRequest, SealedCredential, Store, StoreError};
use crate::domain::credential::CredentialKind;
use crate::domain::integration::{Integration, IntegrationStatus, StatusSetter};
use crate::domain::{IntegrationId, OrgId, Timestamp};
use uuid::Uuid;

/// An integration to create.
#[derive(Clone, Debug)]
pub struct NewIntegration {
    /// Its id, to which its secret is bound.
    pub id: IntegrationId,
    /// The provider.
    pub provider: String,
    /// For people.
    pub name: Option<String>,
    /// The id of the connection at whoever manages it.
    pub connection_id: Option<String>,
    /// The account at the service.
    pub account: Option<String>,
    /// The webhook secret.
    pub secret: Option<SealedSecret>,
    /// With what it is polled.
    pub credential: Option<SealedCredential>,
}

/// What may change about an integration.
#[derive(Clone, Debug, Default)]
pub struct IntegrationPatch {
    /// For people.
    pub name: Option<String>,
    /// The id of the connection.
    pub connection_id: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// Whether its deliveries start runs.
    pub status: Option<IntegrationStatus>,
    /// A webhook secret that replaces those before.
    pub secret: Option<SealedSecret>,
    /// What becomes of its credential. A new one lifts a status that was the fault of
    /// the one before; so does a new connection, where the credential is Nango's.
    pub credential: Option<CredentialChange>,
}

#[derive(sqlx::FromRow)]
struct IntegrationRow {
    id: Uuid,
    provider: String,
    name: Option<String>,
    connection_id: Option<String>,
    account: Option<String>,
    status: String,
    status_reason: Option<String>,
    has_secret: bool,
    credential_kind: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<IntegrationRow> for Integration {
    type Error = StoreError;

    fn try_from(row: IntegrationRow) -> Result<Self, StoreError> {
        let kind = row.credential_kind.as_deref().map(str::parse);
        let kind: Option<CredentialKind> = kind
            .transpose()
            .map_err(|error| StoreError::unreadable("credentials", "kind", error))?;
        Ok(Self {
            id: IntegrationId(row.id),
            provider: row.provider,
            name: row.name,
            connection_id: row.connection_id,
            account: row.account,
            status: row
                .status
                .parse()
                .map_err(|error| StoreError::unreadable("integrations", "status", error))?,
            status_reason: row.status_reason,
            has_secret: row.has_secret,
            credential_type: kind,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select i.id, i.provider, i.name, i.connection_id, i.account, i.status, i.status_reason,
                exists (select 1 from webhook_secrets s where s.subject = i.id) as has_secret,
                (select c.kind from credentials c where c.integration_id = i.id) as credential_kind,
                i.created_at, i.updated_at
             from integrations i where i.org_id = $1 and i.deleted_at is null ",
            $rest
        )
    };
}

const UNIQUE: &str = "the account or connection_id";

impl Store {
    /// Creates an integration.
    ///
    /// # Errors
    /// [`StoreError::Taken`] if its account or connection belongs to another.
    pub async fn create_integration(
        &self,
        org: &OrgId,
        new: &NewIntegration,
        now: Timestamp,
    ) -> Result<Integration, StoreError> {
        write!(self, tx => {
            sqlx::query(
                "insert into integrations
                    (id, org_id, provider, name, connection_id, account, status, status_set_by,
                        created_at, updated_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
            )
            .bind(new.id.0)
            .bind(org.as_str())
            .bind(new.provider.as_str())
            .bind(new.name.as_deref())
            .bind(new.connection_id.as_deref())
            .bind(new.account.as_deref())
            .bind(IntegrationStatus::Active.as_str())
            .bind(StatusSetter::Person.as_str())
            .bind(now.0)
            .execute(&mut **tx)
            .await
            .map_err(|error| taken(error, UNIQUE))?;
            if let Some(secret) = &new.secret {
                add_secret!(tx, new.id.0, secret, now);
            }
            if let Some(credential) = &new.credential {
                set_credential!(tx, new.id.0, credential, now);
            }
            changed!(tx, vec![new.id.0]);
            Ok::<_, StoreError>(())
        })?;
        Ok(Integration {
            id: new.id,
            provider: new.provider.clone(),
            name: new.name.clone(),
            connection_id: new.connection_id.clone(),
            account: new.account.clone(),
            status: IntegrationStatus::Active,
            status_reason: None,
            has_secret: new.secret.is_some(),
            credential_type: new.credential.as_ref().map(|credential| credential.kind),
            created_at: now,
            updated_at: now,
        })
    }

    /// One integration.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn integration(
        &self,
        org: &OrgId,
        id: IntegrationId,
    ) -> Result<Option<Integration>, StoreError> {
        let row: Option<IntegrationRow> = read!(self, pool => {
            sqlx::query_as(select!("and i.id = $2"))
                .bind(org.as_str())
                .bind(id.0)
                .fetch_optional(pool)
                .await?
        });
        row.map(Integration::try_from).transpose()
    }

    /// An organization's integrations.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn list_integrations(
        &self,
        org: &OrgId,
        page: PageRequest,
    ) -> Result<Page<Integration>, StoreError> {
        let rows: Vec<IntegrationRow> = read!(self, pool => {
            sqlx::query_as(select!("and i.id < $2 order by i.id desc limit $3"))
                .bind(org.as_str())
                .bind(page.before())
                .bind(page.fetch())
                .fetch_all(pool)
                .await?
        });
        let items = rows
            .into_iter()
            .map(Integration::try_from)
            .collect::<Result<_, _>>()?;
        Ok(page.page(items, |integration: &Integration| integration.id.0))
    }

    /// Changes an integration; none if there is no such.
    ///
    /// # Errors
    /// [`StoreError::Taken`] if its account or connection belongs to another.
    pub async fn update_integration(
        &self,
        org: &OrgId,
        id: IntegrationId,
        patch: &IntegrationPatch,
        now: Timestamp,
    ) -> Result<Option<Integration>, StoreError> {
        let found = write!(self, tx => {
            let done = sqlx::query(
                "update integrations set name = coalesce($3, name),
                    connection_id = coalesce($4, connection_id), account = coalesce($5, account),
                    status = coalesce($6, status), updated_at = $7,
                    status_reason = case when $6 is null then status_reason end,
                    status_set_by = case when $6 is null then status_set_by else $8 end,
                    service_heard_at = case when $4 is null and $5 is null then service_heard_at end
                 where org_id = $1 and id = $2 and deleted_at is null",
            )
            .bind(org.as_str())
            .bind(id.0)
            .bind(patch.name.as_deref())
            .bind(patch.connection_id.as_deref())
            .bind(patch.account.as_deref())
            .bind(patch.status.map(IntegrationStatus::as_str))
            .bind(now.0)
            .bind(StatusSetter::Person.as_str())
            .execute(&mut **tx)
            .await
            .map_err(|error| taken(error, UNIQUE))?;
            let found = done.rows_affected() == 1;
            if found {
                if let Some(secret) = &patch.secret {
                    sqlx::query("delete from webhook_secrets where subject = $1")
                        .bind(id.0)
                        .execute(&mut **tx)
                        .await?;
                    add_secret!(tx, id.0, secret, now);
                }
                let is_new = match &patch.credential {
                    Some(CredentialChange::Replace(credential)) => {
                        set_credential!(tx, id.0, credential, now);
                        true
                    }
                    Some(CredentialChange::Remove) => {
                        remove_credential!(tx, id.0);
                        false
                    }
                    None => patch.connection_id.is_some() && reconnect!(tx, id.0, now),
                };
                if is_new {
                    lift!(tx, id.0);
                }
                if is_new || patch.status.is_some() || patch.credential.is_some() {
                    tx.regroup(id.0, false, now).await?;
                }
                changed!(tx, vec![id.0]);
            }
            Ok::<_, StoreError>(found)
        })?;
        if found {
            self.integration(org, id).await
        } else {
            Ok(None)
        }
    }

    /// Deletes an integration; false if there is no such. Its triggers stay and
    /// see nothing any more but what comes to their own URL.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn delete_integration(
        &self,
        org: &OrgId,
        id: IntegrationId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        write!(self, tx => {
            let done = sqlx::query(
                "update integrations set deleted_at = $3 where org_id = $1 and id = $2 and deleted_at is null",
            )
            .bind(org.as_str())
            .bind(id.0)
            .bind(now.0)
            .execute(&mut **tx)
            .await?;
            let found = done.rows_affected() == 1;
            if found {
                sqlx::query("delete from webhook_secrets where subject = $1")
                    .bind(id.0)
                    .execute(&mut **tx)
                    .await?;
                remove_credential!(tx, id.0);
                tx.regroup(id.0, false, now).await?;
                changed!(tx, vec![id.0]);
            }
            Ok(found)
        })
    }
}
