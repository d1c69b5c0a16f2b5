//! What claimed deliveries may start: the triggers and integrations behind them.

use super::pool::read;
use super::{Store, StoreError};
use crate::domain::integration::IntegrationStatus;
use crate::domain::resource::{ActiveTrigger, TriggerKind};
use crate::domain::{AutomationId, IntegrationId, OrgId, TriggerId};
use std::collections::HashMap;
use uuid::Uuid;

/// Two values each; SQLite takes 32,766 of them.
const KEYS_PER_QUERY_MAX: usize = 1_000;

/// What a batch of deliveries may start.
#[derive(Clone, Debug, Default)]
pub struct Matching {
    /// Active triggers of token routes.
    pub by_trigger: HashMap<TriggerId, ActiveTrigger>,
    /// Active triggers of each integration.
    pub by_integration: HashMap<IntegrationId, Vec<ActiveTrigger>>,
    /// The integrations that exist.
    pub integrations: HashMap<IntegrationId, IntegrationState>,
}

/// What is asked of an integration before one of its deliveries is processed.
#[derive(Clone, Debug)]
pub struct IntegrationState {
    /// Whose it is.
    pub org: OrgId,
    /// Its provider.
    pub provider: String,
    /// Whether it works.
    pub status: IntegrationStatus,
}

/// By what an integration is known outside.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OwnerKey {
    /// An account of a provider's.
    Account {
        /// The provider.
        provider: String,
        /// The account.
        account: String,
    },
    /// A connection of whoever manages it.
    Connection(String),
}

#[derive(sqlx::FromRow)]
struct TriggerRow {
    id: Uuid,
    org_id: String,
    automation_id: Uuid,
    automation_enabled: bool,
    integration_id: Option<Uuid>,
    integration_status: Option<String>,
    config: String,
}

impl Store {
    /// Everything that deliveries for these triggers and integrations may start,
    /// as it stands now.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn matching(
        &self,
        triggers: &[TriggerId],
        integrations: &[IntegrationId],
    ) -> Result<Matching, StoreError> {
        let mut matching = Matching::default();
        if !triggers.is_empty() {
            for row in self
                .active_triggers("t.id", triggers.iter().map(|id| id.0))
                .await?
            {
                let trigger = active_trigger(row)?.1;
                matching.by_trigger.insert(trigger.id, trigger);
            }
        }
        if integrations.is_empty() {
            return Ok(matching);
        }
        for row in self
            .active_triggers("t.integration_id", integrations.iter().map(|id| id.0))
            .await?
        {
            if let (Some(integration), trigger) = active_trigger(row)? {
                matching
                    .by_integration
                    .entry(integration)
                    .or_default()
                    .push(trigger);
            }
        }
        matching.integrations = self.integration_states(integrations).await?;
        Ok(matching)
    }

    async fn active_triggers(
        &self,
        column: &'static str,
        ids: impl Iterator<Item = Uuid> + Clone,
    ) -> Result<Vec<TriggerRow>, StoreError> {
        read!(self, pool => {
            let mut query = sqlx::QueryBuilder::new(
                "select t.id, t.org_id, t.automation_id, a.enabled as automation_enabled,
                    t.integration_id, i.status as integration_status, t.config
                 from triggers t join automations a on a.id = t.automation_id
                    left join integrations i on i.id = t.integration_id and i.deleted_at is null
                 where t.enabled and t.deleted_at is null and a.deleted_at is null and t.kind = ",
            );
            query.push_bind(TriggerKind::Webhook.as_str());
            query.push(" and ").push(column).push(" in (");
            let mut list = query.separated(", ");
            for id in ids {
                list.push_bind(id);
            }
            query.push(") order by t.id");
            Ok(query.build_query_as().fetch_all(pool).await?)
        })
    }

    async fn integration_states(
        &self,
        ids: &[IntegrationId],
    ) -> Result<HashMap<IntegrationId, IntegrationState>, StoreError> {
        let rows: Vec<(Uuid, String, String, String)> = read!(self, pool => {
            let mut query = sqlx::QueryBuilder::new(
                "select id, org_id, provider, status from integrations
                 where deleted_at is null and id in (",
            );
            let mut list = query.separated(", ");
            for id in ids {
                list.push_bind(id.0);
            }
            query.push(")");
            query.build_query_as().fetch_all(pool).await?
        });
        rows.into_iter()
            .map(|(id, org, provider, status)| {
                let status = status.parse();
                let state = IntegrationState {
                    org: org_id("integrations", &org)?,
                    provider,
                    status: status
                        .map_err(|e| StoreError::unreadable("integrations", "status", e))?,
                };
                Ok((IntegrationId(id), state))
            })
            .collect()
    }

    /// The integrations that own these accounts and connections; those that nobody
    /// owns are left out.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn owners(
        &self,
        keys: &[OwnerKey],
    ) -> Result<HashMap<OwnerKey, IntegrationId>, StoreError> {
        let mut owners = HashMap::new();
        for keys in keys.chunks(KEYS_PER_QUERY_MAX) {
            owners.extend(self.account_owners(keys).await?);
            owners.extend(self.connection_owners(keys).await?);
        }
        Ok(owners)
    }

    async fn account_owners(
        &self,
        keys: &[OwnerKey],
    ) -> Result<HashMap<OwnerKey, IntegrationId>, StoreError> {
        let accounts: Vec<(&str, &str)> = keys
            .iter()
            .filter_map(|key| match key {
                OwnerKey::Account { provider, account } => {
                    Some((provider.as_str(), account.as_str()))
                }
                OwnerKey::Connection(_) => None,
            })
            .collect();
        if accounts.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<(String, String, Uuid)> = read!(self, pool => {
            let mut query = sqlx::QueryBuilder::new(
                "select provider, account, id from integrations
                 where deleted_at is null and (provider, account) in (",
            );
            query.push_values(accounts, |mut row, (provider, account)| {
                row.push_bind(provider).push_bind(account);
            });
            query.push(")");
            query.build_query_as().fetch_all(pool).await?
        });
        Ok(rows
            .into_iter()
            .map(|(provider, account, id)| {
                (OwnerKey::Account { provider, account }, IntegrationId(id))
            })
            .collect())
    }

    async fn connection_owners(
        &self,
        keys: &[OwnerKey],
    ) -> Result<HashMap<OwnerKey, IntegrationId>, StoreError> {
        let connections: Vec<&str> = keys
            .iter()
            .filter_map(|key| match key {
                OwnerKey::Connection(connection) => Some(connection.as_str()),
                OwnerKey::Account { .. } => None,
            })
            .collect();
        if connections.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<(String, Uuid)> = read!(self, pool => {
            let mut query = sqlx::QueryBuilder::new(
                "select connection_id, id from integrations
                 where deleted_at is null and connection_id in (",
            );
            let mut list = query.separated(", ");
            for connection in connections {
                list.push_bind(connection);
            }
            query.push(")");
            query.build_query_as().fetch_all(pool).await?
        });
        Ok(rows
            .into_iter()
            .map(|(connection, id)| (OwnerKey::Connection(connection), IntegrationId(id)))
            .collect())
    }
}

fn active_trigger(row: TriggerRow) -> Result<(Option<IntegrationId>, ActiveTrigger), StoreError> {
    Ok((
        row.integration_id.map(IntegrationId),
        ActiveTrigger {
            id: TriggerId(row.id),
            org: org_id("triggers", &row.org_id)?,
            automation: AutomationId(row.automation_id),
            automation_enabled: row.automation_enabled,
            integration_status: row
                .integration_status
                .map(|status| status.parse())
                .transpose()
                .map_err(|error| StoreError::unreadable("integrations", "status", error))?,
            config: row.config,
        },
    ))
}

pub(super) fn org_id(table: &'static str, text: &str) -> Result<OrgId, StoreError> {
    text.parse()
        .map_err(|error| StoreError::unreadable(table, "org_id", error))
}
