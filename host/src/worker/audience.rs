//! To whom the deliveries of a claim belong, and which triggers see them.

use super::stop::{Reason, Stop};
use crate::domain::delivery::{ClaimedDelivery, Route};
use crate::domain::resource::{ActiveTrigger, IntegrationStatus};
use crate::domain::source::Locator;
use crate::domain::{DeliveryId, IntegrationId, OrgId};
use crate::provider::Registry;
use crate::store::{Matching, Store, StoreError};
use crate::verify;
use std::collections::{HashMap, HashSet};

/// What a delivery of an account route says about the account.
#[derive(Debug)]
enum Account {
    /// This one.
    Named(String),
    /// None.
    Missing,
    /// It stands in a body that cannot be read, for this reason.
    Unreadable(String),
    /// Only its provider knows, which is not registered.
    Unknown,
}

/// The accounts of the deliveries that came in by an account route.
#[derive(Debug, Default)]
pub(super) struct Accounts(HashMap<DeliveryId, Account>);

impl Accounts {
    /// Reads whole bodies: not for a thread that others wait for.
    pub(super) fn read(registry: &Registry, deliveries: &[ClaimedDelivery]) -> Self {
        let accounts = deliveries
            .iter()
            .filter(|delivery| delivery.origin.route == Route::Account)
            .map(|delivery| (delivery.id, account(registry, delivery)));
        Self(accounts.collect())
    }

    fn of<'a>(&'a self, delivery: &'a ClaimedDelivery) -> Option<(&'a str, &'a str)> {
        match self.0.get(&delivery.id)? {
            Account::Named(account) => Some((&delivery.origin.provider, account)),
            _ => None,
        }
    }
}

fn account(registry: &Registry, delivery: &ClaimedDelivery) -> Account {
    let Some(provider) = registry.get(&delivery.origin.provider) else {
        return Account::Unknown;
    };
    let Some(source) = provider.info().webhook.as_ref() else {
        return Account::Missing;
    };
    let request = verify::Request::new(
        source,
        &delivery.headers,
        &delivery.query,
        &delivery.body,
        delivery.received_at,
    );
    if let Some(account) = request.account() {
        return Account::Named(account);
    }
    let in_body = |locator: &Locator| matches!(locator, Locator::BodyPointer(_));
    match request.body_error() {
        Some(error) if source.account.iter().any(in_body) => Account::Unreadable(error.to_owned()),
        _ => Account::Missing,
    }
}

/// What the deliveries of one claim need from the database.
#[derive(Debug)]
pub(super) struct Batch {
    matching: Matching,
    /// By provider and account.
    owners: HashMap<(String, String), IntegrationId>,
}

/// To whom a delivery belongs, and which triggers see it.
pub(super) struct Audience<'a> {
    pub(super) owner: Option<(OrgId, IntegrationId)>,
    pub(super) triggers: &'a [ActiveTrigger],
}

impl Batch {
    /// One look at the database for all of `deliveries`.
    pub(super) async fn read(
        store: &Store,
        deliveries: &[ClaimedDelivery],
        accounts: &Accounts,
    ) -> Result<Self, StoreError> {
        let named: HashSet<_> = deliveries.iter().filter_map(|d| accounts.of(d)).collect();
        let named: Vec<_> = named.into_iter().collect();
        let owners = store.integrations_of_accounts(&named).await?;
        let mut triggers: Vec<_> = deliveries.iter().filter_map(|d| d.origin.trigger).collect();
        let mut integrations: Vec<_> = deliveries
            .iter()
            .filter_map(|d| d.origin.integration)
            .chain(owners.values().copied())
            .collect();
        triggers.sort_unstable();
        triggers.dedup();
        integrations.sort_unstable();
        integrations.dedup();
        Ok(Self {
            matching: store.matching(&triggers, &integrations).await?,
            owners,
        })
    }

    /// Who sees a delivery.
    pub(super) fn audience(
        &self,
        delivery: &ClaimedDelivery,
        accounts: &Accounts,
    ) -> Result<Audience<'_>, Stop> {
        if let Some(trigger) = delivery.origin.trigger {
            let triggers = self
                .matching
                .by_trigger
                .get(&trigger)
                .map(std::slice::from_ref);
            return Ok(Audience {
                owner: None,
                triggers: triggers.unwrap_or_default(),
            });
        }
        let integration = match delivery.origin.integration {
            Some(integration) => integration,
            None => self.owner(delivery, accounts)?,
        };
        let Some((org, status)) = self.matching.integrations.get(&integration) else {
            return Err(Stop::Done("the integration was deleted".into()));
        };
        let triggers = match status {
            IntegrationStatus::Active => self.matching.by_integration.get(&integration),
            IntegrationStatus::Suspended => {
                return Err(Stop::Done("the integration is suspended".into()));
            }
        };
        Ok(Audience {
            owner: Some((org.clone(), integration)),
            triggers: triggers.map(Vec::as_slice).unwrap_or_default(),
        })
    }

    fn owner(
        &self,
        delivery: &ClaimedDelivery,
        accounts: &Accounts,
    ) -> Result<IntegrationId, Stop> {
        let provider = &delivery.origin.provider;
        match accounts.0.get(&delivery.id) {
            Some(Account::Named(account)) => self
                .owners
                .get(&(provider.clone(), account.clone()))
                .copied()
                .ok_or_else(|| Stop::Done(format!("no integration has the account {account}"))),
            Some(Account::Unreadable(error)) => Err(Stop::Fail(Reason::new(
                "unreadable body",
                format!("the account cannot be read from the body: {error}"),
            ))),
            Some(Account::Unknown) => Err(not_registered(provider)),
            Some(Account::Missing) | None => {
                Err(Stop::Done("the delivery names no account".into()))
            }
        }
    }
}

/// It may be on its way: replicas are not restarted all at once.
pub(super) fn not_registered(provider: &str) -> Stop {
    Stop::Retry(Reason::new(
        "not registered",
        format!("the provider {provider} is not registered"),
    ))
}
