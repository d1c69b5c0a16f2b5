//! One delivery's or one poll's use of a provider: a fresh instance that parses or polls,
//! filters the events, and is then dropped. Never shared, never reused.

use crate::domain::delivery::ClaimedDelivery;
use crate::domain::event::{ParsedEvent, Verdict};
use crate::domain::limits::{CONFIGS_PER_CALL_MAX, EVENTS_PER_CALL_MAX};
use crate::domain::poll::{PollPage, PollRequest};
use crate::measure;
use crate::provider::error::GuestError;
use crate::provider::events::{check_events, check_verdicts};
use crate::provider::failure::{ParseFailure, PollFailure};
use crate::provider::fetcher::Fetcher;
use crate::provider::guest::Guest;
use crate::provider::instance::{CallStats, GuestInstance};
use crate::provider::limits::Purpose;
use crate::provider::page::check_page;
use std::sync::Arc;
use std::time::Instant;

/// An instance for one delivery or one poll; see [`Provider::open`] and
/// [`Provider::open_poll`]. After an error of the guest, after a limit was hit, and after a
/// call was dropped, every further call returns [`GuestError::Poisoned`].
///
/// [`Provider::open`]: crate::provider::Provider::open
/// [`Provider::open_poll`]: crate::provider::Provider::open_poll
pub struct Session {
    guest: Arc<Guest>,
    instance: GuestInstance,
    /// Taken by the one poll of the session.
    fetcher: Option<Fetcher>,
}

impl Session {
    pub(crate) fn new(
        guest: Arc<Guest>,
        instance: GuestInstance,
        fetcher: Option<Fetcher>,
    ) -> Self {
        Self {
            guest,
            instance,
            fetcher,
        }
    }

    /// Parses a delivery into events within the limits of the contract.
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
            guest, instance, ..
        } = self;
        let Guest {
            contract,
            settings_json,
            ..
        } = &**guest;
        let parsed = instance
            .run(Purpose::Compute, async |store, instance| {
                contract
                    .parse(store, instance, delivery, settings_json)
                    .await
            })
            .await?;
        let events = parsed.map_err(ParseFailure::bounded)?;
        Ok(check_events(events, EVENTS_PER_CALL_MAX)?)
    }

    /// Polls the service for one page within the limits of the contract. A session polls
    /// once.
    ///
    /// `request` must be the one from which the session's [`CallContext`] was made.
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
            guest,
            instance,
            fetcher,
        } = self;
        let fetcher = fetcher.take().ok_or_else(|| {
            GuestError::Internal("the session was not opened for a poll, or has polled".into())
        })?;
        let limit = (request.limit as usize).min(EVENTS_PER_CALL_MAX);
        let wall = guest.poll_wall();
        let Guest {
            contract,
            settings_json,
            ..
        } = &**guest;
        let polled = instance
            .run(Purpose::Poll, async |store, instance| {
                store.data_mut().fetcher = Some(fetcher.begin(wall));
                let poll = contract
                    .poll(store, instance, request, limit, settings_json)
                    .await;
                // Filtering is a function of the event alone.
                store.data_mut().fetcher = None;
                poll
            })
            .await?;
        let page = polled.map_err(PollFailure::bounded)?;
        Ok(check_page(page, limit)?)
    }

    /// Filters an event: one verdict per configuration, in their order. Splits the
    /// configurations over several calls where the contract's limit demands it.
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
            guest, instance, ..
        } = self;
        let contract = &guest.contract;
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
        measure::called(&self.guest.id, call, begun.elapsed(), failure);
    }

    /// The resources that the last call used.
    pub fn last_call(&self) -> CallStats {
        self.instance.last_call()
    }
}
