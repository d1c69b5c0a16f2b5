//! One delivery's or one poll's use of a provider: a fresh instance that parses or
//! polls and filters the events, and is then thrown away. Never shared, never reused.

use crate::domain::delivery::ClaimedDelivery;
use crate::domain::event::{ParsedEvent, Verdict};
use crate::domain::limits::{CONFIGS_PER_CALL_MAX, EVENTS_PER_CALL_MAX, REASON_BYTES_MAX, bounded};
use crate::domain::poll::{PollPage, PollRequest};
use crate::measure;
use crate::provider::contract::{ParseRefusal, PollRefusal};
use crate::provider::error::{GuestError, ParseFailure, PollFailure};
use crate::provider::events::{check_events, check_verdicts};
use crate::provider::fetcher::Fetcher;
use crate::provider::instance::{CallStats, GuestInstance};
use crate::provider::limits::Purpose;
use crate::provider::page::{check_page, check_poll_error};
use crate::provider::registered::Provider;
use std::sync::Arc;
use std::time::Instant;

/// See [`Provider::open`] and [`Provider::open_poll`]. After an error that stems from the guest or from a
/// limit, and after a call whose future was dropped, every further call returns
/// [`GuestError::Poisoned`].
pub struct Session {
    provider: Arc<Provider>,
    instance: GuestInstance,
    /// For the one poll that the session was opened for.
    fetcher: Option<Fetcher>,
}

impl Session {
    pub(crate) fn new(
        provider: Arc<Provider>,
        instance: GuestInstance,
        fetcher: Option<Fetcher>,
    ) -> Self {
        Self {
            provider,
            instance,
            fetcher,
        }
    }

    /// Turns a delivery into events, which keep the limits of the contract.
    ///
    /// # Errors
    /// See [`ParseFailure`].
    pub async fn parse(
        &mut self,
        delivery: &ClaimedDelivery,
    ) -> Result<Vec<ParsedEvent>, ParseFailure> {
        let begun = Instant::now();
        let parsed = self.call_parse(delivery).await;
        let failure = match &parsed {
            Err(ParseFailure::Guest(error)) => error.fault(),
            _ => None,
        };
        self.measure("parse", begun, failure);
        parsed
    }

    async fn call_parse(
        &mut self,
        delivery: &ClaimedDelivery,
    ) -> Result<Vec<ParsedEvent>, ParseFailure> {
        let Self {
            provider, instance, ..
        } = self;
        let (contract, settings) = (provider.contract(), provider.settings_json());
        let called = instance
            .run(Purpose::Compute, async |store, instance| {
                let parse = contract.parse(store, instance, delivery, settings);
                parse.await.transpose()
            })
            .await?;
        match called.ok_or(GuestError::NotExported("webhook"))? {
            Ok(events) => Ok(check_events(events, EVENTS_PER_CALL_MAX)?),
            Err(ParseRefusal::Malformed(reason)) => {
                Err(ParseFailure::Malformed(bounded(&reason, REASON_BYTES_MAX)))
            }
            Err(ParseRefusal::Ignored(reason)) => {
                Err(ParseFailure::Ignored(bounded(&reason, REASON_BYTES_MAX)))
            }
            Err(ParseRefusal::BadOutput(wrong)) => Err(GuestError::BadOutput(wrong).into()),
        }
    }

    /// Asks the service what is new: one page, which keeps the limits of the contract.
    /// A session polls once; what its poll may use is used up with it.
    ///
    /// `request` has to be the one that the session's [`CallContext`] was made of.
    ///
    /// [`CallContext`]: crate::provider::CallContext
    ///
    /// # Errors
    /// See [`PollFailure`].
    pub async fn poll(&mut self, request: &PollRequest) -> Result<PollPage, PollFailure> {
        let begun = Instant::now();
        let polled = self.call_poll(request).await;
        let failure = match &polled {
            Err(PollFailure::Guest(error)) => error.fault(),
            _ => None,
        };
        self.measure("poll", begun, failure);
        polled
    }

    async fn call_poll(&mut self, request: &PollRequest) -> Result<PollPage, PollFailure> {
        let Self {
            provider,
            instance,
            fetcher,
        } = self;
        let fetcher = fetcher.take().ok_or_else(|| {
            GuestError::Internal("the session was not opened for a poll, or has polled".into())
        })?;
        let limit = (request.limit as usize).min(EVENTS_PER_CALL_MAX);
        let (contract, settings) = (provider.contract(), provider.settings_json());
        let wall = provider.poll_wall();
        let called = instance
            .run(Purpose::Poll, async |store, instance| {
                store.data_mut().fetcher = Some(fetcher.begin(wall));
                let poll = contract
                    .poll(store, instance, request, limit, settings)
                    .await;
                // Filtering is a function of the event alone.
                store.data_mut().fetcher = None;
                poll.transpose()
            })
            .await?;
        match called.ok_or(GuestError::NotExported("polling"))? {
            Ok(page) => Ok(check_page(page, limit)?),
            Err(PollRefusal::Provider(error)) => Err(check_poll_error(error).into()),
            Err(PollRefusal::BadOutput(wrong)) => Err(GuestError::BadOutput(wrong).into()),
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
        let begun = Instant::now();
        let verdicts = self.call_matches(event, configs).await;
        let failure = verdicts.as_ref().err().and_then(GuestError::fault);
        self.measure("filter", begun, failure);
        verdicts
    }

    async fn call_matches(
        &mut self,
        event: &ParsedEvent,
        configs: &[&str],
    ) -> Result<Vec<Verdict>, GuestError> {
        let Self {
            provider, instance, ..
        } = self;
        let contract = provider.contract();
        let mut verdicts = Vec::with_capacity(configs.len());
        for configs in configs.chunks(CONFIGS_PER_CALL_MAX) {
            let returned = instance
                .run(Purpose::Compute, async |store, instance| {
                    contract.matches(store, instance, event, configs).await
                })
                .await?;
            verdicts.extend(check_verdicts(returned, configs.len())?);
        }
        Ok(verdicts)
    }

    fn measure(&self, call: &'static str, begun: Instant, failure: Option<&'static str>) {
        measure::called(&self.provider.info().id, call, begun.elapsed(), failure);
    }

    /// What the last call used.
    pub fn last_call(&self) -> CallStats {
        self.instance.last_call()
    }
}
