//! Page after page of one claimed group: ask, filter, decide, settle.

use super::group::Poll;
use super::outcome::{Ended, Retries};
use super::{TRIES_MAX, TRY_PAUSE};
use crate::clock;
use crate::credentials::Want;
use crate::domain::backoff::Backoff;
use crate::domain::event::DecidedEvent;
use crate::domain::matching::decide;
use crate::domain::poll::{PollError, PollPage, PollRequest};
use crate::domain::resource::ActiveTrigger;
use crate::egress::ResponseCache;
use crate::provider::{CallContext, GuestError, PollAccess, PollFailure, Provider, Session};
use crate::secret::Secret;
use crate::store::{
    AfterPage, PageSettled, PollPageSettlement, PollSettled, PollWork, Signal, StoreError,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// A page that a provider returned.
struct Answer {
    page: PollPage,
    /// To filter it.
    session: Session,
    /// Of the credential that stood in its requests.
    revision: Option<Uuid>,
}

impl Poll {
    /// Polls until nothing is left, others have to have their turn, or it cannot go on.
    pub(super) async fn pages(&self) -> Ended {
        let responses = self.caches.of(self.claim.group);
        for page in 1..=self.context.config.pages_max {
            if self.halt.is_cancelled() {
                return self.give_back(Duration::ZERO);
            }
            let work = match self.work().await {
                Ok(Some(work)) => work,
                // Nothing to do any more, or nothing that may be done.
                Ok(None) => return self.give_back(Duration::ZERO),
                Err(error) => return self.unreadable(&responses, &error),
            };
            if work.triggers.is_empty() {
                return self.give_back(Duration::ZERO);
            }
            self.failures.store(work.failures, Ordering::Relaxed);
            let is_last = page == self.context.config.pages_max;
            match self.page(&work, &responses, is_last).await {
                Ok(AfterPage::More(_)) => {}
                Ok(AfterPage::Again | AfterPage::Rest) => return Ended::Settled,
                Err(ended) => return ended,
            }
        }
        // The last page was to be asked for again.
        self.give_back(Duration::ZERO)
    }

    async fn work(&self) -> Result<Option<PollWork>, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self
                .context
                .store
                .poll_work(&self.claim, clock::now())
                .await
            {
                Err(error) if error.is_transient() && tries < TRIES_MAX => {
                    tokio::time::sleep(TRY_PAUSE).await;
                }
                work => return work,
            }
        }
    }

    fn unreadable(&self, responses: &ResponseCache, error: &StoreError) -> Ended {
        tracing::error!(group.id = %self.claim.group, %error, "could not read what to poll for");
        Ended::Failed(self.retries(responses).soon(&error.to_string()))
    }

    fn retries(&self, responses: &ResponseCache) -> Retries {
        let config = &self.context.config;
        let now = clock::now();
        Retries {
            backoff: Backoff {
                base: Duration::from_millis(config.retry_base_ms),
                max: Duration::from_millis(config.retry_max_ms),
            },
            failures: self.failures.load(Ordering::Relaxed),
            paused_until: responses.paused_until(now),
            now,
            random: rand::random(),
        }
    }

    /// One page, settled; what follows it.
    async fn page(
        &self,
        work: &PollWork,
        responses: &Arc<ResponseCache>,
        is_last: bool,
    ) -> Result<AfterPage, Ended> {
        let retries = self.retries(responses);
        if retries.paused_until.is_some() {
            let text = "the service wants to be left alone";
            return Err(Ended::Failed(retries.paused(None, text)));
        }
        let Some(provider) = self.context.registry.get(&self.claim.provider) else {
            let text = format!("the provider {} is not registered", self.claim.provider);
            return Err(Ended::Failed(retries.soon(&text)));
        };
        let Answer {
            page,
            mut session,
            revision,
        } = self.asked(&provider, work, responses).await?;
        let events = match self.filter(&mut session, &page, &work.triggers).await {
            Some(Ok(events)) => events,
            Some(Err(error)) => {
                let failed = self.retries(responses).failed(&error.into(), revision);
                return Err(Ended::Failed(failed));
            }
            None => return Err(self.give_back(Duration::ZERO)),
        };
        drop(session);
        let moves = !page.events.is_empty() || work.cursor.as_ref() != Some(&page.cursor);
        if page.more && !moves {
            tracing::warn!(
                group.id = %self.claim.group,
                provider.id = self.claim.provider,
                "a provider goes round in circles: there is more, it says, and returns nothing"
            );
        }
        let after = match (page.more && moves, is_last) {
            (true, false) => AfterPage::More(self.context.lease()),
            (true, true) => AfterPage::Again,
            (false, _) => AfterPage::Rest,
        };
        let page = PollPageSettlement {
            claim: &self.claim,
            work,
            cursor: &page.cursor,
            events: &events,
            after,
        };
        self.settle(page, responses).await
    }

    /// One page of the provider, with the integration's credential; and once more with
    /// another access token, where that may be what is wrong.
    async fn asked(
        &self,
        provider: &Arc<Provider>,
        work: &PollWork,
        responses: &Arc<ResponseCache>,
    ) -> Result<Answer, Ended> {
        let mut want = Want::Any;
        loop {
            let credentials = &self.context.credentials;
            let access = tokio::select! {
                () = self.halt.cancelled() => return Err(self.give_back(Duration::ZERO)),
                access = credentials.access(self.claim.integration, want, clock::now()) => access,
            };
            let access = match access {
                Ok(access) => access,
                Err(error) => {
                    let failed = self.retries(responses).without_access(&error);
                    return Err(Ended::Failed(failed));
                }
            };
            let (revision, stamp) = (access.revision, access.stamp);
            let may_be_stale = access.is_renewable && want == Want::Any;
            match self.ask(provider, work, responses, access.secret).await {
                None => return Err(self.give_back(Duration::ZERO)),
                Some(Ok((page, session))) => {
                    return Ok(Answer {
                        page,
                        session,
                        revision,
                    });
                }
                Some(Err(PollFailure::Provider(PollError::Unauthorized(_)))) if may_be_stale => {
                    want = Want::NewerThan(stamp);
                }
                Some(Err(failure)) => {
                    let failed = self.retries(responses).failed(&failure, revision);
                    return Err(Ended::Failed(failed));
                }
            }
        }
    }

    /// One call of the provider; none if the poll has to end.
    async fn ask(
        &self,
        provider: &Arc<Provider>,
        work: &PollWork,
        responses: &Arc<ResponseCache>,
        credential: Option<Secret>,
    ) -> Option<Result<(PollPage, Session), PollFailure>> {
        // Many triggers are often of a few configurations.
        let configs: BTreeSet<&str> = work.triggers.iter().map(|t| t.config.as_str()).collect();
        let request = PollRequest {
            cursor: work.cursor.clone(),
            configs: configs.into_iter().map(str::to_owned).collect(),
            now: clock::now(),
            limit: self.limit(work.triggers.len()),
        };
        let access = PollAccess {
            credential,
            responses: Arc::clone(responses),
        };
        let call = async {
            let context = CallContext::of_poll(&request);
            let mut session = provider
                .open_poll(context, &self.context.egress, access)
                .await?;
            let page = session.poll(&request).await?;
            Ok((page, session))
        };
        tokio::select! {
            () = self.halt.cancelled() => None,
            asked = call => Some(asked),
        }
    }

    /// Events that a page may have, so that what is written at once stays bounded.
    fn limit(&self, triggers: usize) -> u32 {
        let config = &self.context.config;
        let triggers = u32::try_from(triggers).unwrap_or(u32::MAX).max(1);
        (config.page_rows_max / triggers).clamp(1, config.page_events_max)
    }

    /// What each trigger makes of each event; none if the poll has to end.
    async fn filter(
        &self,
        session: &mut Session,
        page: &PollPage,
        triggers: &[ActiveTrigger],
    ) -> Option<Result<Vec<DecidedEvent>, GuestError>> {
        let seconds_max = self.context.config.filter_seconds_max;
        let configs: Vec<&str> = triggers.iter().map(|t| t.config.as_str()).collect();
        let filter = async {
            let mut decided = Vec::with_capacity(page.events.len() * triggers.len());
            for event in &page.events {
                let verdicts = session.matches(event, &configs).await?;
                decided.extend(decide(&Arc::new(event.clone()), triggers, &verdicts));
            }
            Ok(decided)
        };
        let limit = Duration::from_secs(seconds_max);
        tokio::select! {
            () = self.halt.cancelled() => None,
            filtered = timeout(limit, filter) => Some(filtered.unwrap_or_else(|_| {
                let limit_ms = seconds_max.saturating_mul(1_000);
                Err(GuestError::TimedOut { limit_ms })
            })),
        }
    }

    /// What follows once the page is written.
    async fn settle(
        &self,
        page: PollPageSettlement<'_>,
        responses: &ResponseCache,
    ) -> Result<AfterPage, Ended> {
        let store = &self.context.store;
        let mut tries = 0;
        loop {
            tries += 1;
            match store.settle_poll_page(page, clock::now()).await {
                Ok(PageSettled::Written(settled)) => {
                    self.report(&settled, page.after);
                    return Ok(page.after);
                }
                Ok(PageSettled::Already) => {
                    self.context.signals.raise(Signal::Outbox);
                    return Ok(page.after);
                }
                Ok(PageSettled::Changed) => {
                    tracing::debug!(group.id = %self.claim.group, "triggers have changed under a page; it is asked for again");
                    return Ok(AfterPage::More(self.context.lease()));
                }
                Ok(PageSettled::Lost) => return Err(Ended::Lost),
                Err(error) if error.is_transient() && tries < TRIES_MAX => {
                    tokio::time::sleep(TRY_PAUSE).await;
                }
                Err(error) => {
                    tracing::error!(group.id = %self.claim.group, %error, "could not settle a page");
                    let failed = self.retries(responses).soon(&error.to_string());
                    return Err(Ended::Failed(failed));
                }
            }
        }
    }

    fn report(&self, settled: &PollSettled, after: AfterPage) {
        if settled.runs > 0 {
            self.context.signals.raise(Signal::Outbox);
        }
        if after == AfterPage::Again {
            self.context.signals.raise(Signal::Polls);
        }
        tracing::debug!(
            group.id = %self.claim.group,
            provider.id = self.claim.provider,
            events = settled.events,
            runs = settled.runs,
            duplicates = settled.duplicates,
            more = matches!(after, AfterPage::More(_) | AfterPage::Again),
            "settled a page"
        );
    }
}
