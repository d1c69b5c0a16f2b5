//! The triggers and integrations that claimed deliveries may concern.

use crate::domain::connection::ConnectionName;
use crate::domain::integration::IntegrationStatus;
use crate::domain::resource::{ActiveTrigger, TriggerKind};
use crate::domain::{IntegrationId, OrgId, TriggerId};
use crate::store::db::{Query, row};
use crate::store::integrations::connections;
use crate::store::{Store, StoreError};
use std::collections::HashMap;

/// SQLite takes 32,766 values.
const KEYS_PER_QUERY_MAX: usize = 1_000;

/// The triggers and integrations of a batch of deliveries.
#[derive(Clone, Debug, Default)]
pub struct Matching {
    /// Active triggers of token routes.
    pub by_trigger: HashMap<TriggerId, ActiveTrigger>,
    /// Active triggers of each integration.
    pub by_integration: HashMap<IntegrationId, Vec<ActiveTrigger>>,
    /// The integrations that exist.
    pub integrations: HashMap<IntegrationId, IntegrationState>,
}

/// The state of an integration that decides about its deliveries.
#[derive(Clone, Debug)]
pub struct IntegrationState {
    /// Its organization.
    pub org: OrgId,
    /// Its provider.
    pub provider: String,
    /// Its status.
    pub status: IntegrationStatus,
    /// True if a person has put it on hold.
    pub is_held: bool,
}

/// The name of an integration outside of Triggerhouse.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OwnerKey {
    /// An account at a provider's service.
    Account {
        /// The provider.
        provider: String,
        /// The account.
        account: String,
    },
    /// A connection at its manager (Nango).
    Connection(ConnectionName),
}

row!(ActiveTrigger {
    id, org = "org_id", automation = "automation_id", automation_enabled, integration_status,
    config, is_held,
});

/// A trigger and the integration that it belongs to.
#[derive(sqlx_macros::FromRow)]
struct Candidate {
    integration_id: Option<IntegrationId>,
    #[sqlx(flatten)]
    trigger: ActiveTrigger,
}

#[derive(sqlx_macros::FromRow)]
struct StateRow {
    id: IntegrationId,
    #[sqlx(flatten)]
    state: IntegrationState,
}

row!(IntegrationState { org = "org_id", provider, status, is_held });

impl Store {
    /// The active triggers of token routes and of integrations, and the integrations
    /// themselves, as they are now.
    pub async fn matching(
        &self,
        triggers: &[TriggerId],
        integrations: &[IntegrationId],
    ) -> Result<Matching, StoreError> {
        let mut matching = Matching::default();
        if !triggers.is_empty() {
            let active = active_triggers()
                .push("t.id")
                .one_of(triggers.iter().copied());
            for Candidate { trigger, .. } in self.candidates(active).await? {
                matching.by_trigger.insert(trigger.id, trigger);
            }
        }
        if integrations.is_empty() {
            return Ok(matching);
        }
        let ids = integrations.iter().copied();
        let active = active_triggers()
            .push("t.integration_id")
            .one_of(ids.clone());
        for candidate in self.candidates(active).await? {
            if let Some(integration) = candidate.integration_id {
                let triggers = matching.by_integration.entry(integration).or_default();
                triggers.push(candidate.trigger);
            }
        }
        let states = Query::new(
            "select id, org_id, provider, status, held_at is not null as is_held
             from integrations where deleted_at is null and id",
        )
        .one_of(ids);
        let states: Vec<StateRow> = self.read(async |tx| states.all(tx).await).await?;
        matching.integrations = states.into_iter().map(|row| (row.id, row.state)).collect();
        Ok(matching)
    }

    async fn candidates(&self, active: Query) -> Result<Vec<Candidate>, StoreError> {
        let active = active.push(" order by t.id");
        self.read(async |tx| active.all(tx).await).await
    }

    /// The integrations that own these accounts and connections. Keys without an owner are
    /// left out.
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
    ) -> Result<Vec<(OwnerKey, IntegrationId)>, StoreError> {
        let accounts = keys.iter().filter_map(|key| match key {
            OwnerKey::Account { provider, account } => Some((provider.as_str(), account.as_str())),
            OwnerKey::Connection(_) => None,
        });
        let (providers, accounts): (Vec<&str>, Vec<&str>) = accounts.unzip();
        if accounts.is_empty() {
            return Ok(Vec::new());
        }
        // Accounts of the same name at two providers may both be found; the caller looks up
        // the pair.
        let query = Query::new(
            "select provider, account, id from integrations
             where deleted_at is null and provider",
        )
        .one_of(providers)
        .push(" and account")
        .one_of(accounts);
        let rows: Vec<(String, String, IntegrationId)> =
            self.read(async |tx| query.all(tx).await).await?;
        let owners = rows
            .into_iter()
            .map(|(provider, account, id)| (OwnerKey::Account { provider, account }, id));
        Ok(owners.collect())
    }

    async fn connection_owners(
        &self,
        keys: &[OwnerKey],
    ) -> Result<Vec<(OwnerKey, IntegrationId)>, StoreError> {
        let names = keys.iter().filter_map(|key| match key {
            OwnerKey::Connection(name) => Some(name.clone()),
            OwnerKey::Account { .. } => None,
        });
        let names: Vec<ConnectionName> = names.collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let found = self
            .read(async |tx| connections::find(tx, &names).await)
            .await?;
        if !found.notes.is_empty() {
            self.write(async |tx| connections::remember(tx, &found.notes).await)
                .await?;
        }
        let owners = found.owners.into_iter();
        Ok(owners
            .map(|(name, id)| (OwnerKey::Connection(name), id))
            .collect())
    }
}

/// Selects webhook triggers that are switched on; the last condition is to follow.
fn active_triggers() -> Query {
    Query::new(
        "select t.id, t.org_id, t.automation_id, a.enabled as automation_enabled,
            t.integration_id, i.status as integration_status, t.config,
            t.held_at is not null or i.held_at is not null as is_held
         from triggers t join automations a on a.id = t.automation_id
            left join integrations i on i.id = t.integration_id and i.deleted_at is null
         where t.enabled and t.deleted_at is null and a.deleted_at is null and t.kind = ",
    )
    .bind(TriggerKind::Webhook.as_str())
    .push(" and ")
}
