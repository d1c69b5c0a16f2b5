//! The quotas of senders and organizations.
//!
//! Only a verified delivery uses up a quota, so nobody can exhaust another sender's quota
//! with forged requests. A used-up quota is remembered until it fills again: until then,
//! requests are refused before their bodies are read. Forged requests have a quota of
//! their own for each sender. Beyond it they cost no look at the database and no line in
//! the log.

use crate::config::IngressConfig;
use crate::domain::OrgId;
use crate::http::Problem;
use axum::http::StatusCode;
use governor::clock::{Clock, DefaultClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use uuid::Uuid;

/// The interval between two sweeps that drop the state of idle keys.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// A sender. Only known routes and registered providers become keys, so their number is
/// bounded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum RateKey {
    /// A trigger or an integration, by its id.
    Route(Uuid),
    /// A provider's app.
    App(String),
    /// Nango.
    Nango,
}

/// A used-up quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded {
    /// The label in `/metrics`.
    cause: &'static str,
    detail: &'static str,
    /// The time until the quota has room again.
    wait: Duration,
}

/// The quotas of this process; cheap to clone.
#[derive(Clone, Debug)]
pub struct RateLimits(Arc<Limits<DefaultClock>>);

#[derive(Debug)]
struct Limits<C: Clock> {
    route: Quotas<Uuid, C>,
    /// For senders that send for many organizations.
    app: Quotas<RateKey, C>,
    organization: Quotas<OrgId, C>,
    unverified: Quotas<RateKey, C>,
}

/// One quota for each key; None if there is no limit.
#[derive(Debug)]
struct Quotas<K: Hash + Eq + Clone, C: Clock>(Option<Limited<K, C>>);

struct Limited<K: Hash + Eq + Clone, C: Clock> {
    limiter: RateLimiter<K, DashMapStateStore<K>, C, NoOpMiddleware<C::Instant>>,
    /// The keys whose quota is used up, and until when. Usually empty, and then cheap to
    /// read.
    exhausted: RwLock<HashMap<K, C::Instant>>,
    clock: C,
}

impl<K: Hash + Eq + Clone, C: Clock> std::fmt::Debug for Limited<K, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Limited")
    }
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Quotas<K, C> {
    /// `per_second` on average, `burst` at once. No limit if `per_second` is 0.
    fn new(per_second: u32, burst: u32, clock: &C) -> Self {
        let Some(per_second) = NonZeroU32::new(per_second) else {
            return Self(None);
        };
        let burst = NonZeroU32::new(burst).unwrap_or(per_second);
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self(Some(Limited {
            limiter: RateLimiter::dashmap_with_clock(quota, clock.clone()),
            exhausted: RwLock::default(),
            clock: clock.clone(),
        }))
    }

    /// The time until the quota of `key` has room again; None if it has. Takes nothing.
    fn exhausted(&self, key: &K) -> Option<Duration> {
        let limited = self.0.as_ref()?;
        let exhausted = limited
            .exhausted
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let until = exhausted.get(key)?;
        let wait: Duration = until.duration_since(limited.clock.now()).into();
        (!wait.is_zero()).then_some(wait)
    }

    /// Takes one from the quota of `key`.
    fn take(&self, key: &K) -> Result<(), Duration> {
        let Some(limited) = &self.0 else {
            return Ok(());
        };
        let Err(not_until) = limited.limiter.check_key(key) else {
            return Ok(());
        };
        let now = limited.clock.now();
        let until = not_until.earliest_possible();
        let mut exhausted = limited
            .exhausted
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        exhausted.insert(key.clone(), until);
        Err(until.duration_since(now).into())
    }

    /// Drops the state of keys whose quota is full again.
    fn sweep(&self) {
        let Some(limited) = &self.0 else { return };
        limited.limiter.retain_recent();
        limited.limiter.shrink_to_fit();
        let now = limited.clock.now();
        let mut exhausted = limited
            .exhausted
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        exhausted.retain(|_, until| *until > now);
        exhausted.shrink_to_fit();
    }
}

impl<C: Clock + Clone> Limits<C> {
    fn new(config: &IngressConfig, clock: &C) -> Self {
        Self {
            route: Quotas::new(
                config.source_per_second.u32(),
                config.source_burst.u32(),
                clock,
            ),
            app: Quotas::new(config.app_per_second.u32(), config.app_burst.u32(), clock),
            organization: Quotas::new(
                config.organization_per_second.u32(),
                config.organization_burst.u32(),
                clock,
            ),
            unverified: Quotas::new(
                config.unverified_per_second.u32(),
                config.unverified_burst.u32(),
                clock,
            ),
        }
    }

    fn check(&self, key: &RateKey, org: Option<&OrgId>) -> Result<(), Exceeded> {
        let sender = match key {
            RateKey::Route(id) => self.route.exhausted(id),
            app => self.app.exhausted(app),
        };
        if let Some(wait) = sender {
            return Err(Exceeded::by_sender(wait));
        }
        match org.and_then(|org| self.organization.exhausted(org)) {
            Some(wait) => Err(Exceeded::by_organization(wait)),
            None => Ok(()),
        }
    }

    fn take(&self, key: &RateKey, org: Option<&OrgId>) -> Result<(), Exceeded> {
        match key {
            RateKey::Route(id) => self.route.take(id),
            app => self.app.take(app),
        }
        .map_err(Exceeded::by_sender)?;
        org.map_or(Ok(()), |org| self.organization.take(org))
            .map_err(Exceeded::by_organization)
    }

    fn take_unverified(&self, key: &RateKey) -> Result<(), Exceeded> {
        self.unverified.take(key).map_err(|wait| Exceeded {
            cause: "rate_limited_unverified",
            detail: "too many deliveries that could not be verified",
            wait,
        })
    }

    fn sweep(&self) {
        self.route.sweep();
        self.app.sweep();
        self.organization.sweep();
        self.unverified.sweep();
    }
}

impl Exceeded {
    fn by_sender(wait: Duration) -> Self {
        Self {
            cause: "rate_limited_source",
            detail: "too many deliveries to this URL",
            wait,
        }
    }

    fn by_organization(wait: Duration) -> Self {
        Self {
            cause: "rate_limited_organization",
            detail: "too many deliveries to this organization",
            wait,
        }
    }

    /// Whole seconds for `Retry-After`.
    fn retry_after_seconds(&self) -> u64 {
        let whole = self.wait.as_secs();
        (whole + u64::from(self.wait.subsec_nanos() > 0)).max(1)
    }
}

impl From<Exceeded> for Problem {
    fn from(exceeded: Exceeded) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS)
            .detail(exceeded.detail)
            .retry_after(exceeded.retry_after_seconds())
            .because(exceeded.cause)
    }
}

impl RateLimits {
    /// The configured quotas.
    pub fn new(config: &IngressConfig) -> Self {
        Self(Arc::new(Limits::new(config, &DefaultClock::default())))
    }

    /// Refuses a sender whose quota is used up. Takes nothing.
    pub(super) fn check(&self, key: &RateKey, org: Option<&OrgId>) -> Result<(), Exceeded> {
        self.0.check(key, org)
    }

    /// Takes a verified delivery from the quotas of its sender and its organization.
    pub(super) fn take(&self, key: &RateKey, org: Option<&OrgId>) -> Result<(), Exceeded> {
        self.0.take(key, org)
    }

    /// Takes a forged delivery from the sender's quota for those.
    pub(super) fn take_unverified(&self, key: &RateKey) -> Result<(), Exceeded> {
        self.0.take_unverified(key)
    }

    /// Sweeps from time to time; never returns.
    pub async fn sweep(self) {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            self.0.sweep();
        }
    }
}

#[cfg(test)]
mod tests;
