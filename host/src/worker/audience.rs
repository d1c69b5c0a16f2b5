//! To whom the deliveries of a claim belong, and which triggers see them.

use super::address::Addresses;
use super::stop::Stop;
use crate::domain::IntegrationId;
use crate::domain::delivery::{ClaimedDelivery, Route};
use crate::domain::integration::IntegrationStatus;
use crate::domain::resource::ActiveTrigger;
use crate::store::{Matching, Owner, OwnerKey, Store, StoreError};
use std::collections::{HashMap, HashSet};

/// What the deliveries of one claim need from the database.
#[derive(Debug)]
pub(super) struct Batch {
    matching: Matching,
    owners: HashMap<OwnerKey, IntegrationId>,
}

/// To whom a delivery belongs.
pub(super) struct Audience<'a> {
    /// The integration behind it; none where it came in for one trigger.
    pub(super) owner: Option<Owner>,
    /// Which triggers see it, or why none does.
    pub(super) triggers: Result<&'a [ActiveTrigger], Stop>,
}

impl Batch {
    /// One look at the database for all of `deliveries`.
    pub(super) async fn read(
        store: &Store,
        deliveries: &[ClaimedDelivery],
        addresses: &Addresses,
    ) -> Result<Self, StoreError> {
        let keys: HashSet<_> = deliveries
            .iter()
            .filter_map(|delivery| addresses.owner_key(delivery).cloned())
            .collect();
        let keys: Vec<_> = keys.into_iter().collect();
        let owners = store.owners(&keys).await?;
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
        addresses: &Addresses,
    ) -> Audience<'_> {
        if let Some(trigger) = delivery.origin.trigger {
            let trigger = self.matching.by_trigger.get(&trigger);
            let status = trigger.and_then(|trigger| trigger.integration_status);
            let triggers = trigger.map(std::slice::from_ref).unwrap_or_default();
            return Audience {
                owner: None,
                triggers: working(status.unwrap_or(IntegrationStatus::Active), triggers),
            };
        }
        let nobody = |stop| Audience {
            owner: None,
            triggers: Err(stop),
        };
        let named = || self.owners.get(addresses.owner_key(delivery)?).copied();
        let Some(integration) = delivery.origin.integration.or_else(named) else {
            return nobody(addresses.no_owner(delivery));
        };
        let Some(state) = self.matching.integrations.get(&integration) else {
            return nobody(Stop::Done("the integration was deleted".into()));
        };
        let owner = Owner {
            org: state.org.clone(),
            integration,
            provider: state.provider.clone(),
        };
        let triggers = self.matching.by_integration.get(&integration);
        let triggers = triggers.map(Vec::as_slice).unwrap_or_default();
        Audience {
            owner: Some(owner),
            triggers: working(state.status, triggers),
        }
    }

    /// Writes into a delivery what is known of it now: an envelope says what its
    /// sender calls the service, the integration says which provider it is.
    pub(super) fn adopt(&self, delivery: &mut ClaimedDelivery, addresses: &Addresses) {
        if delivery.origin.route != Route::Nango {
            return;
        }
        if let Some(owner) = self.audience(delivery, addresses).owner {
            delivery.origin.provider = owner.provider;
        }
    }
}

/// The triggers of an integration, if it works.
fn working(
    status: IntegrationStatus,
    triggers: &[ActiveTrigger],
) -> Result<&[ActiveTrigger], Stop> {
    match status {
        // What came in was signed, whatever has become of the credential.
        IntegrationStatus::Active | IntegrationStatus::NeedsReauth => Ok(triggers),
        IntegrationStatus::Suspended | IntegrationStatus::Error | IntegrationStatus::Deleted => {
            let outcome = format!("the integration's status is {status}: it starts no run");
            Err(Stop::Done(outcome))
        }
    }
}
