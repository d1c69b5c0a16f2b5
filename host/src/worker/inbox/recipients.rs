//! The owners and triggers of one claim's deliveries, read from the database at once.

use super::attempt::Attempt;
use super::opened::OpenedDelivery;
use crate::domain::delivery::{Disposition, Route};
use crate::domain::integration::IntegrationStatus;
use crate::domain::resource::ActiveTrigger;
use crate::domain::{IntegrationId, TriggerId};
use crate::store::{Matching, Owner, OwnerKey, Store, StoreError};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// The owners and triggers of one claim's deliveries.
#[derive(Debug)]
pub(super) struct Recipients {
    matching: Matching,
    owners: HashMap<OwnerKey, IntegrationId>,
}

/// The triggers that see a delivery now, and those for which it has to wait.
#[derive(Debug)]
pub(super) struct Chosen<'a> {
    pub(super) now: Cow<'a, [ActiveTrigger]>,
    pub(super) held: Vec<TriggerId>,
}

impl<'a> Chosen<'a> {
    /// `only`: the others have had their events.
    fn of(triggers: &'a [ActiveTrigger], only: Option<&[TriggerId]>) -> Self {
        let waits = |trigger: &&ActiveTrigger| only.is_none_or(|only| only.contains(&trigger.id));
        if only.is_none() && triggers.iter().all(|trigger| !trigger.is_held) {
            return Self {
                now: Cow::Borrowed(triggers),
                held: Vec::new(),
            };
        }
        let (held, now): (Vec<&ActiveTrigger>, Vec<&ActiveTrigger>) = triggers
            .iter()
            .filter(waits)
            .partition(|trigger| trigger.is_held);
        Self {
            now: now.into_iter().cloned().collect(),
            held: held.into_iter().map(|trigger| trigger.id).collect(),
        }
    }
}

impl Recipients {
    /// Reads the recipients of all of `opened`.
    pub(super) async fn read(store: &Store, opened: &[OpenedDelivery]) -> Result<Self, StoreError> {
        let keys: HashSet<_> = opened
            .iter()
            .filter_map(|opened| opened.owner_key().cloned())
            .collect();
        let keys: Vec<_> = keys.into_iter().collect();
        let owners = store.owners(&keys).await?;
        let origins = || opened.iter().map(|opened| &opened.delivery.origin);
        let mut triggers: Vec<_> = origins().filter_map(|origin| origin.trigger).collect();
        let mut integrations: Vec<_> = origins()
            .filter_map(|origin| origin.integration)
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

    /// The integration behind a delivery; none for a delivery to one trigger's own URL.
    pub(super) fn owner(&self, opened: &OpenedDelivery) -> Option<Owner> {
        let integration = self.integration(opened)?;
        let state = self.matching.integrations.get(&integration)?;
        Some(Owner {
            org: state.org.clone(),
            integration,
            provider: state.provider.clone(),
        })
    }

    /// The triggers that see a delivery.
    ///
    /// # Errors
    /// The end of a delivery that no trigger may see.
    pub(super) fn triggers(
        &self,
        opened: &OpenedDelivery,
        attempt: &Attempt<'_>,
    ) -> Result<Chosen<'_>, Disposition> {
        let (status, triggers) = if let Some(trigger) = opened.delivery.origin.trigger {
            let trigger = self.matching.by_trigger.get(&trigger);
            let status = trigger.and_then(|trigger| trigger.integration_status);
            let triggers = trigger.map(std::slice::from_ref).unwrap_or_default();
            (status.unwrap_or(IntegrationStatus::Active), triggers)
        } else {
            let Some(integration) = self.integration(opened) else {
                return Err(opened.without_owner(attempt));
            };
            let Some(state) = self.matching.integrations.get(&integration) else {
                return Err(attempt.complete("the integration was deleted"));
            };
            if state.is_held {
                return Err(Disposition::Held {
                    only_triggers: None,
                    reason: "the integration is on hold".into(),
                });
            }
            let triggers = self.matching.by_integration.get(&integration);
            (
                state.status,
                triggers.map(Vec::as_slice).unwrap_or_default(),
            )
        };
        match status {
            // The delivery is signed, whatever has become of the credential.
            IntegrationStatus::Active
            | IntegrationStatus::NeedsReauth
            | IntegrationStatus::Error => Ok(Chosen::of(
                triggers,
                opened.delivery.only_triggers.as_deref(),
            )),
            IntegrationStatus::Suspended | IntegrationStatus::Deleted => Err(attempt.complete(
                &format!("the integration's status is {status}: it starts no run"),
            )),
        }
    }

    /// Names the provider of a forwarded delivery. The integration knows it; the envelope
    /// only has the forwarder's name for the service.
    pub(super) fn name_provider(&self, opened: &mut OpenedDelivery) {
        if opened.delivery.origin.route != Route::Nango {
            return;
        }
        if let Some(owner) = self.owner(opened) {
            opened.delivery.origin.provider = owner.provider;
        }
    }

    fn integration(&self, opened: &OpenedDelivery) -> Option<IntegrationId> {
        let origin = &opened.delivery.origin;
        if origin.trigger.is_some() {
            return None;
        }
        let named = || self.owners.get(opened.owner_key()?).copied();
        origin.integration.or_else(named)
    }
}
