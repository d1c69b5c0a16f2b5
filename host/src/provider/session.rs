//! One delivery's use of a provider: a fresh instance that parses it and filters
//! its events, and is then thrown away. Never shared, never reused.

use crate::domain::delivery::ClaimedDelivery;
use crate::domain::event::{ParsedEvent, Verdict};
use crate::domain::limits::{CONFIGS_PER_CALL_MAX, REASON_BYTES_MAX, bounded};
use crate::provider::contract::ParseRefusal;
use crate::provider::error::{GuestError, ParseFailure};
use crate::provider::events::{check_events, check_verdicts};
use crate::provider::instance::{CallStats, GuestInstance};
use crate::provider::registered::Provider;
use std::sync::Arc;

/// See [`Provider::open`]. After an error that stems from the guest or from a
/// limit, and after a call whose future was dropped, every further call returns
/// [`GuestError::Poisoned`].
pub struct Session {
    provider: Arc<Provider>,
    instance: GuestInstance,
}

impl Session {
    pub(crate) fn new(provider: Arc<Provider>, instance: GuestInstance) -> Self {
        Self { provider, instance }
    }

    /// Turns a delivery into events, which keep the limits of the contract.
    ///
    /// # Errors
    /// See [`ParseFailure`].
    pub async fn parse(
        &mut self,
        delivery: &ClaimedDelivery,
    ) -> Result<Vec<ParsedEvent>, ParseFailure> {
        let Self { provider, instance } = self;
        let (contract, settings) = (provider.contract(), provider.settings_json());
        let called = instance
            .run(async |store, instance| {
                let parse = contract.parse(store, instance, delivery, settings);
                parse.await.transpose()
            })
            .await?;
        match called.ok_or(GuestError::NotExported("webhook"))? {
            Ok(events) => Ok(check_events(events)?),
            Err(ParseRefusal::Malformed(reason)) => {
                Err(ParseFailure::Malformed(bounded(&reason, REASON_BYTES_MAX)))
            }
            Err(ParseRefusal::Ignored(reason)) => {
                Err(ParseFailure::Ignored(bounded(&reason, REASON_BYTES_MAX)))
            }
            Err(ParseRefusal::BadOutput(wrong)) => Err(GuestError::BadOutput(wrong).into()),
        }
    }

    /// One verdict for each configuration, in their order; as many calls as the
    /// contract's limit on configurations demands.
    ///
    /// # Errors
    /// See [`GuestError`].
    pub async fn matches(
        &mut self,
        event: &ParsedEvent,
        configs: &[&str],
    ) -> Result<Vec<Verdict>, GuestError> {
        let Self { provider, instance } = self;
        let contract = provider.contract();
        let mut verdicts = Vec::with_capacity(configs.len());
        for configs in configs.chunks(CONFIGS_PER_CALL_MAX) {
            let returned = instance
                .run(async |store, instance| {
                    contract.matches(store, instance, event, configs).await
                })
                .await?;
            verdicts.extend(check_verdicts(returned, configs.len())?);
        }
        Ok(verdicts)
    }

    /// What the last call used.
    pub fn last_call(&self) -> CallStats {
        self.instance.last_call()
    }
}
