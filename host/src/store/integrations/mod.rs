//! Integrations: created, read, changed and deleted by people. `lifecycle.rs` applies the
//! news of their services, `connections.rs` finds the owner of a connection.

pub(super) mod connections;
mod lifecycle;

pub use lifecycle::{LifecycleNews, LifecycleOutcome, LifecycleSubject};

use super::db::{all, exec, insert, optional, row};
use super::polls::regroup;
use super::{
    Page, PageRequest, SealedCredential, SealedSecret, Store, StoreError, credentials, routes,
    secrets,
};
use crate::domain::integration::{Integration, IntegrationStatus, StatusSetter};
use crate::domain::patch::Patch;
use crate::domain::{IntegrationId, OrgId, Timestamp};
use constcat::concat;

/// An integration to create.
#[derive(Clone, Debug)]
pub struct NewIntegration {
    /// Its id, to which its secret is bound.
    pub id: IntegrationId,
    /// The provider.
    pub provider: String,
    /// A name for people.
    pub name: Option<String>,
    /// The id of the connection at its manager (Nango).
    pub connection_id: Option<String>,
    /// The key of the manager's integration; none if it is to be learned.
    pub provider_config_key: Option<String>,
    /// The account at the service.
    pub account: Option<String>,
    /// The webhook secret.
    pub secret: Option<SealedSecret>,
    /// The credential that it is polled with.
    pub credential: Option<SealedCredential>,
}

/// A change of an integration.
#[derive(Clone, Debug, Default)]
pub struct IntegrationPatch {
    /// A name for people.
    pub name: Option<String>,
    /// The id of the connection.
    pub connection_id: Option<String>,
    /// The key of its manager's integration.
    pub provider_config_key: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// Only an active one starts runs.
    pub status: Option<IntegrationStatus>,
    /// A webhook secret that replaces those before.
    pub secret: Option<SealedSecret>,
    /// A change of its credential. A new credential lifts a status that the old one caused;
    /// so does a new connection, where the credential is Nango's.
    pub credential: Patch<SealedCredential>,
}

row!(Integration {
    id, provider, name, connection_id, provider_config_key, ambiguous_keys, account, status, status_reason, held_at, has_secret,
    credential_type = "credential_kind", created_at, updated_at,
});

const OF_ORG: &str = "select i.id, i.provider, i.name, i.connection_id, i.provider_config_key,
        i.seen_config_key || ', ' || i.other_config_key as ambiguous_keys,
        i.account, i.status, i.status_reason, i.held_at,
        exists (select 1 from webhook_secrets s where s.subject = i.id) as has_secret,
        (select c.kind from credentials c where c.integration_id = i.id) as credential_kind,
        i.created_at, i.updated_at
     from integrations i where i.org_id = $1 and i.deleted_at is null ";
const ONE: &str = concat!(OF_ORG, "and i.id = $2");
const PAGE: &str = concat!(OF_ORG, "and i.id < $2 order by i.id desc limit $3");

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
        self.write(async |tx| {
            insert!(tx, "integrations" {
                id: new.id,
                org_id: org,
                provider: new.provider.as_str(),
                name: new.name.as_deref(),
                connection_id: new.connection_id.as_deref(),
                provider_config_key: new.provider_config_key.as_deref(),
                account: new.account.as_deref(),
                status: IntegrationStatus::Active,
                status_set_by: StatusSetter::Person,
                created_at: now,
                updated_at: now,
            })
            .map_err(|error| error.or_taken(UNIQUE))?;
            if let Some(secret) = &new.secret {
                secrets::add(tx, new.id.0, secret, now).await?;
            }
            if let Some(credential) = &new.credential {
                credentials::set(tx, new.id, credential, now).await?;
            }
            routes::changed(tx, &[new.id.0]).await
        })
        .await?;
        Ok(Integration {
            id: new.id,
            provider: new.provider.clone(),
            name: new.name.clone(),
            connection_id: new.connection_id.clone(),
            provider_config_key: new.provider_config_key.clone(),
            ambiguous_keys: None,
            account: new.account.clone(),
            status: IntegrationStatus::Active,
            status_reason: None,
            held_at: None,
            has_secret: new.secret.is_some(),
            credential_type: new.credential.as_ref().map(|credential| credential.kind),
            created_at: now,
            updated_at: now,
        })
    }

    /// One integration.
    pub async fn integration(
        &self,
        org: &OrgId,
        id: IntegrationId,
    ) -> Result<Option<Integration>, StoreError> {
        self.read(async |tx| optional!(tx, Integration, ONE, org, id))
            .await
    }

    /// An organization's integrations.
    pub async fn list_integrations(
        &self,
        org: &OrgId,
        page: PageRequest,
    ) -> Result<Page<Integration>, StoreError> {
        let items = self
            .read(async |tx| all!(tx, Integration, PAGE, org, page.before(), page.fetch()))
            .await?;
        Ok(page.page(items, |integration: &Integration| integration.id.0))
    }

    /// Changes an integration; none if the organization has no such integration.
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
        self.write(async |tx| {
            let changed = exec!(
                tx,
                "update integrations set name = coalesce($3, name),
                    connection_id = coalesce($4, connection_id), account = coalesce($5, account),
                    status = coalesce($6, status), updated_at = $7,
                    status_reason = case when $6 is null then status_reason end,
                    status_set_by = case when $6 is null then status_set_by else $8 end,
                    service_heard_at = case when $4 is null and $5 is null and $9 is null
                        then service_heard_at end,
                    provider_config_key = coalesce($9, provider_config_key),
                    seen_config_key = case when $4 is null and $9 is null
                        then seen_config_key end,
                    other_config_key = case when $4 is null and $9 is null
                        then other_config_key end
                 where org_id = $1 and id = $2 and deleted_at is null",
                org,
                id,
                patch.name.as_deref(),
                patch.connection_id.as_deref(),
                patch.account.as_deref(),
                patch.status,
                now,
                StatusSetter::Person,
                patch.provider_config_key.as_deref(),
            )
            .map_err(|error| error.or_taken(UNIQUE))?;
            if changed == 0 {
                return Ok(None);
            }
            if let Some(secret) = &patch.secret {
                secrets::remove(tx, id.0).await?;
                secrets::add(tx, id.0, secret, now).await?;
            }
            let is_new = match &patch.credential {
                Patch::Set(credential) => {
                    credentials::set(tx, id, credential, now).await?;
                    true
                }
                Patch::Clear => {
                    credentials::remove(tx, id).await?;
                    false
                }
                Patch::Keep => {
                    patch.connection_id.is_some() && credentials::reconnect(tx, id, now).await?
                }
            };
            if is_new {
                credentials::lift(tx, id).await?;
            }
            if is_new || patch.status.is_some() || !patch.credential.is_keep() {
                regroup(tx, id, false, now).await?;
            }
            routes::changed(tx, &[id.0]).await?;
            optional!(tx, Integration, ONE, org, id)
        })
        .await
    }

    /// Deletes an integration; false if the organization has no such integration. Its
    /// triggers stay, and see only what comes to their own URL.
    pub async fn delete_integration(
        &self,
        org: &OrgId,
        id: IntegrationId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "update integrations set deleted_at = $3
             where org_id = $1 and id = $2 and deleted_at is null";
        self.write(async |tx| {
            let found = exec!(tx, SQL, org, id, now)? == 1;
            if found {
                secrets::remove(tx, id.0).await?;
                credentials::remove(tx, id).await?;
                regroup(tx, id, false, now).await?;
                routes::changed(tx, &[id.0]).await?;
            }
            Ok(found)
        })
        .await
    }
}
