//! The pages of one claimed group: ask, filter, decide, settle, page by page.

use super::group::Poll;
use super::retries::Retries;
use crate::clock;
use crate::credentials::Want;
use crate::domain::event::DecidedEvent;
use crate::domain::matching::decide;
use crate::domain::poll::{PollPage, PollRequest};
use crate::domain::resource::ActiveTrigger;
use crate::egress::ResponseCache;
use crate::provider::{CallContext, GuestError, PollAccess, PollFailure, Provider, Session};
use crate::secret::Secret;
use crate::store::{
    AfterPage, PageSettled, PollDisposition, PollPageSettlement, PollSettled, PollWork,
};
use crate::worker::patience::{BATCH_TRIES_MAX, WRITE_PAUSE, WRITE_TRIES_MAX, patiently, tried};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// A page that a provider returned, not filtered yet.
struct Answer {
    page: PollPage,
    /// The session that filters the page.
    session: Session,
    /// Identifies the credential in its requests.
    revision: Option<Uuid>,
}

impl Poll {
    /// Polls until no page is left or other groups need their turn. Returns whether the
    /// claim still held.
    ///
    /// # Errors
    /// The end of a poll without a further page.
    pub(super) async fn pages(&self) -> Result<bool, PollDisposition> {
        let responses = self.caches.of(self.claim.group);
        let give_back = || self.give_back(Duration::ZERO);
        for page in 1..=self.context.config.pages_max.u32() {
            if self.halt.is_cancelled() {
                return Err(give_back());
            }
            // None: the claim is lost, or the integration no longer works.
            let work = self.work(&responses).await?.ok_or_else(give_back)?;
            if work.triggers.is_empty() {
                return Err(give_back());
            }
            self.failures.store(work.failures, Ordering::Relaxed);
            let is_last = page == self.context.config.pages_max.u32();
            match self.page(&work, &responses, is_last).await? {
                Some(AfterPage::More(_)) => {}
                Some(AfterPage::Again(_) | AfterPage::Yield | AfterPage::Rest) => return Ok(true),
                None => return Ok(false),
            }
        }
        // The triggers changed under the last page, so it has to be asked for again.
        Err(give_back())
    }

    async fn work(&self, responses: &ResponseCache) -> Result<Option<PollWork>, PollDisposition> {
        let store = &self.context.store;
        patiently(WRITE_TRIES_MAX, WRITE_PAUSE, || {
            store.poll_work(&self.claim, clock::now())
        })
        .await
        .map_err(|error| {
            tracing::error!(group.id = %self.claim.group, %error, "could not read what to poll for");
            self.retries(responses).soon(&error.to_string())
        })
    }

    fn retries(&self, responses: &ResponseCache) -> Retries {
        let now = clock::now();
        Retries {
            backoff: self.context.backoff(),
            failures: self.failures.load(Ordering::Relaxed),
            paused_until: responses.paused_until(now),
            now,
            random: rand::random(),
        }
    }

    /// Asks for a page and settles it; returns the next step, or none if the claim is lost.
    async fn page(
        &self,
        work: &PollWork,
        responses: &Arc<ResponseCache>,
        is_last: bool,
    ) -> Result<Option<AfterPage>, PollDisposition> {
        let retries = self.retries(responses);
        if retries.paused_until.is_some() {
            let text = "the service asked for a pause";
            return Err(retries.paused(None, text));
        }
        let Some(provider) = self.context.registry.get(&self.claim.provider) else {
            let text = format!("the provider {} is not registered", self.claim.provider);
            return Err(retries.soon(&text));
        };
        let Answer {
            page,
            mut session,
            revision,
        } = self.asked(&provider, work, responses).await?;
        let events = match self.filter(&mut session, &page, &work.triggers).await {
            Some(Ok(events)) => events,
            Some(Err(error)) => {
                return Err(self.retries(responses).failed(&error.into(), revision));
            }
            None => return Err(self.give_back(Duration::ZERO)),
        };
        drop(session);
        let moves = !page.events.is_empty() || work.cursor.as_ref() != Some(&page.cursor);
        if page.more && !moves {
            tracing::warn!(
                group.id = %self.claim.group,
                provider.id = self.claim.provider,
                "a provider announces more pages, but returned no event and kept its cursor"
            );
        }
        let after = match (page.more && moves, is_last) {
            (true, false) if self.slot.must_yield() => AfterPage::Yield,
            (true, false) => AfterPage::More(self.context.lease()),
            (true, true) => AfterPage::Again(self.pause_after(work.rounds + 1)),
            (false, _) => AfterPage::Rest,
        };
        let page = PollPageSettlement {
            claim: &self.claim,
            work,
            cursor: &page.cursor,
            events: &events,
            written: 0,
            after,
        };
        self.settle(page, responses).await
    }

    /// The pause of a group that had pages left after so many rounds in a row: none at
    /// first, and then as after failures, so that pages without an end slow down.
    fn pause_after(&self, rounds: i32) -> Duration {
        let beyond = rounds.saturating_sub(self.context.config.rounds_max.i32());
        match beyond {
            ..=0 => Duration::ZERO,
            beyond => self.context.backoff().after(beyond, rand::random()),
        }
    }

    /// Asks for a page with the integration's credential. Asks again with a newer access
    /// token if the first one was refused and can be renewed.
    async fn asked(
        &self,
        provider: &Arc<Provider>,
        work: &PollWork,
        responses: &Arc<ResponseCache>,
    ) -> Result<Answer, PollDisposition> {
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
                    return Err(self.retries(responses).without_access(&error));
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
                Some(Err(PollFailure::Unauthorized(_))) if may_be_stale => {
                    want = Want::NewerThan(stamp);
                }
                Some(Err(failure)) => {
                    return Err(self.retries(responses).failed(&failure, revision));
                }
            }
        }
    }

    /// Calls the provider once; none if the poll has to end.
    async fn ask(
        &self,
        provider: &Arc<Provider>,
        work: &PollWork,
        responses: &Arc<ResponseCache>,
        credential: Option<Secret>,
    ) -> Option<Result<(PollPage, Session), PollFailure>> {
        // Many triggers often share a few configurations.
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

    /// The events that a page may have: each becomes a row per trigger, and the rows of a
    /// transaction are limited.
    fn limit(&self, triggers: usize) -> u32 {
        let config = &self.context.config;
        let triggers = u32::try_from(triggers).unwrap_or(u32::MAX).max(1);
        (config.page_rows_max.u32() / triggers).clamp(1, config.page_events_max.u32())
    }

    /// Decides each event for each trigger; none if the poll has to end.
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
        let limit = seconds_max.duration();
        tokio::select! {
            () = self.halt.cancelled() => None,
            filtered = timeout(limit, filter) => Some(filtered.unwrap_or_else(|_| {
                let limit_ms = seconds_max.u64().saturating_mul(1_000);
                Err(GuestError::TimedOut { limit_ms })
            })),
        }
    }

    /// Settles a page, in parts if it is too large for one transaction; returns the next
    /// step, or none if the claim is lost.
    async fn settle(
        &self,
        mut page: PollPageSettlement<'_>,
        responses: &ResponseCache,
    ) -> Result<Option<AfterPage>, PollDisposition> {
        let store = &self.context.store;
        let mut limits = self.context.settle_limits();
        loop {
            let end = limits.part_end(page.events, page.written);
            let is_last = end == page.events.len();
            let tries_max = if end - page.written > 1 {
                BATCH_TRIES_MAX
            } else {
                WRITE_TRIES_MAX
            };
            let settled = tried(store, tries_max, || async move {
                match is_last {
                    true => store.settle_poll_page(page, clock::now()).await,
                    false => store.settle_poll_part(page, end, clock::now()).await,
                }
            });
            match settled.await {
                Ok(PageSettled::Written(settled)) if !is_last => {
                    self.report(&settled, AfterPage::Rest);
                    page.written = end;
                }
                Ok(PageSettled::Written(settled)) => {
                    self.report(&settled, page.after);
                    return Ok(Some(page.after));
                }
                Ok(PageSettled::Already) => return Ok(Some(page.after)),
                Ok(PageSettled::Changed) => {
                    tracing::debug!(group.id = %self.claim.group, "the triggers changed under a page; it is asked for again");
                    return Ok(Some(AfterPage::More(self.context.lease())));
                }
                Ok(PageSettled::Lost) => return Ok(None),
                // Whatever the reason: fewer events may succeed.
                Err(error) => match limits.halved(end - page.written) {
                    Some(halved) if store.ping().await.is_ok() => limits = halved,
                    _ => {
                        tracing::error!(group.id = %self.claim.group, %error, "could not settle a page");
                        return Err(self.retries(responses).soon(&error.to_string()));
                    }
                },
            }
        }
    }

    fn report(&self, settled: &PollSettled, after: AfterPage) {
        tracing::debug!(
            group.id = %self.claim.group,
            provider.id = self.claim.provider,
            events = settled.events,
            runs = settled.runs,
            duplicates = settled.duplicates,
            more = after != AfterPage::Rest,
            "settled a page"
        );
    }
}
