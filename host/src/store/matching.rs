//! What claimed deliveries may start: the triggers and integrations behind them.

use super::pool::read;
use super::{Store, StoreError};
use crate::domain::resource::{ActiveTrigger, IntegrationStatus, TriggerKind};
use crate::domain::{AutomationId, IntegrationId, OrgId, TriggerId};
use std::collections::HashMap;
use uuid::Uuid;

/// Two values each; SQLite takes 32,766 of them.
const ACCOUNTS_PER_QUERY_MAX: usize = 1_000;

/// What a batch of deliveries may start.
#[derive(Clone, Debug, Default)]
pub struct Matching {
    /// Active triggers of token routes.
    pub by_trigger: HashMap<TriggerId, ActiveTrigger>,
    /// Active triggers of each integration.
    pub by_integration: HashMap<IntegrationId, Vec<ActiveTrigger>>,
    /// The integrations that exist, with their organization and status.
    pub integrations: HashMap<IntegrationId, (OrgId, IntegrationStatus)>,
}

#[derive(sqlx::FromRow)]
struct TriggerRow {
    id: Uuid,
    org_id: String,
    automation_id: Uuid,
    automation_enabled: bool,
    integration_id: Option<Uuid>,
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
        for (id, org, status) in self.integration_states(integrations).await? {
            matching.integrations.insert(id, (org, status));
        }
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
                    t.integration_id, t.config
                 from triggers t join automations a on a.id = t.automation_id
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
    ) -> Result<Vec<(IntegrationId, OrgId, IntegrationStatus)>, StoreError> {
        let rows: Vec<(Uuid, String, String)> = read!(self, pool => {
            let mut query = sqlx::QueryBuilder::new(
                "select id, org_id, status from integrations where deleted_at is null and id in (",
            );
            let mut list = query.separated(", ");
            for id in ids {
                list.push_bind(id.0);
            }
            query.push(")");
            query.build_query_as().fetch_all(pool).await?
        });
        rows.into_iter()
            .map(|(id, org, status)| {
                Ok((
                    IntegrationId(id),
                    org_id("integrations", &org)?,
                    status
                        .parse()
                        .map_err(|e| StoreError::unreadable("integrations", "status", e))?,
                ))
            })
            .collect()
    }

    /// The integrations that own these accounts, each of which is a provider and
    /// what it calls the account; those that nobody owns are left out.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn integrations_of_accounts(
        &self,
        accounts: &[(&str, &str)],
    ) -> Result<HashMap<(String, String), IntegrationId>, StoreError> {
        let mut owners = HashMap::new();
        for accounts in accounts.chunks(ACCOUNTS_PER_QUERY_MAX) {
            let rows: Vec<(String, String, Uuid)> = read!(self, pool => {
                let mut query = sqlx::QueryBuilder::new(
                    "select provider, account, id from integrations
                     where deleted_at is null and (provider, account) in (",
                );
                query.push_values(accounts, |mut row, (provider, account)| {
                    row.push_bind(*provider).push_bind(*account);
                });
                query.push(")");
                query.build_query_as().fetch_all(pool).await?
            });
            owners.extend(
                rows.into_iter()
                    .map(|(provider, account, id)| ((provider, account), IntegrationId(id))),
            );
        }
        Ok(owners)
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
            config: row.config,
        },
    ))
}

pub(super) fn org_id(table: &'static str, text: &str) -> Result<OrgId, StoreError> {
    text.parse()
        .map_err(|error| StoreError::unreadable(table, "org_id", error))
}
