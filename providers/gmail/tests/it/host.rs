//! A minimal host: it sends requests, stores the cursor with the events, and polls again while
//! more is waiting.

use super::fake;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use triggerhouse_provider_gmail::api::Http;
use triggerhouse_sdk::http::{FetchError, Request, Response};
use triggerhouse_sdk::prelude::*;

/// The start of the clock.
pub const NOW_MS: u64 = 1_700_000_000_000;
/// No test needs more pages in a row.
const PAGES_MAX: usize = 10_000;
/// The README's promise for one call.
const REQUESTS_MAX: usize = 32;
const BASE_URL: &str = "https://gmail.googleapis.com";

/// A mailbox and the host's state.
pub struct Host {
    pub service: Service,
    pub cursor: Option<String>,
    pub configs: Vec<String>,
    pub limit: u32,
    pub settings: Value,
    /// Seconds that the host's clock is behind Google's.
    pub behind_s: u64,
}

/// The connection to the mailbox.
pub struct Service {
    pub gmail: RefCell<fake::Gmail>,
    /// Requests left in this poll.
    pub allowed: Cell<u32>,
    /// The duration of each request.
    pub latency_ms: Cell<u64>,
}

impl Http for Service {
    fn send(&self, request: Request) -> Result<Response, FetchError> {
        let allowed = self.allowed.get();
        self.allowed
            .set(allowed.checked_sub(1).ok_or(FetchError::LimitReached)?);
        let target = request.url.strip_prefix(BASE_URL);
        let target = target.ok_or_else(|| FetchError::Denied(request.url.clone()))?;
        assert!(request.headers.is_empty() && request.body.is_none());
        let answer = self.gmail.borrow_mut().answer("GET", target, &[]);
        self.gmail.borrow_mut().now_ms += self.latency_ms.get();
        if answer.slow {
            return Err(FetchError::Timeout);
        }
        let header = |(name, value)| Header { name, value };
        Ok(Response {
            status: answer.status,
            headers: answer.headers.into_iter().map(header).collect(),
            body: answer.body,
        })
    }
}

impl Host {
    /// A host with an empty mailbox and one trigger with the empty configuration.
    pub fn new() -> Self {
        Self {
            service: Service {
                gmail: RefCell::new(fake::Gmail::new("Me@example.com", NOW_MS)),
                allowed: Cell::new(u32::MAX),
                latency_ms: Cell::new(0),
            },
            cursor: None,
            configs: vec!["{}".into()],
            limit: 500,
            // Most tests need no quota.
            settings: json!({"quota_units_per_minute": u32::MAX}),
            behind_s: 0,
        }
    }

    /// The mailbox.
    pub fn gmail(&self) -> std::cell::RefMut<'_, fake::Gmail> {
        self.service.gmail.borrow_mut()
    }

    /// Advances the clock.
    pub fn wait(&self, seconds: u64) {
        self.gmail().now_ms += seconds * 1_000;
    }

    pub fn request(&self) -> PollRequest {
        PollRequest {
            cursor: self.cursor.clone(),
            configs: self.configs.clone(),
            settings: self.settings.to_string(),
            now: (self.gmail().now_ms - self.behind_s * 1_000) * 1_000,
            limit: self.limit,
        }
    }

    /// Polls once and does not store the page.
    pub fn try_poll(&self) -> Result<PollPage, PollError> {
        let before = self.gmail().log.len();
        let result = triggerhouse_provider_gmail::poll(&self.service, &self.request());
        let requests = self.gmail().log.len() - before;
        assert!(requests <= REQUESTS_MAX, "{requests} requests");
        let page = result?;
        assert!(page.events.len() <= self.limit as usize);
        page.events
            .iter()
            .for_each(triggerhouse_sdk::testing::assert_within_limits);
        Ok(page)
    }

    /// Polls once and stores the page.
    pub fn poll_page(&mut self) -> Result<PollPage, PollError> {
        let page = self.try_poll()?;
        self.cursor = Some(page.cursor.clone());
        Ok(page)
    }

    /// Polls until nothing more is waiting.
    pub fn poll(&mut self) -> Result<Vec<Event>, PollError> {
        let mut events = Vec::new();
        for _ in 0..PAGES_MAX {
            let page = self.poll_page()?;
            events.extend(page.events);
            if !page.more {
                return Ok(events);
            }
        }
        panic!("more was waiting forever");
    }

    /// The cursor, as JSON.
    pub fn stored(&self) -> Value {
        serde_json::from_str(self.cursor.as_deref().unwrap()).unwrap()
    }
}
