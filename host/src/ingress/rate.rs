//! How many deliveries a source and an organization may send.
//!
//! Only a delivery that is verified uses up a quota, so nobody can exhaust somebody
//! else's with forged ones. Once a quota is used up, that is remembered until it fills
//! again, and whatever comes meanwhile is refused before its body is read. Forged
//! deliveries have a quota of their own for each source: beyond it they cost the host no
//! further look at the database and no line in the log, and the source nothing.

use crate::config::IngressConfig;
use crate::domain::OrgId;
use governor::clock::{Clock, DefaultClock, Reference};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use uuid::Uuid;

/// How often what has been quiet is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Who sends. Only what the routes or the registry know becomes a key, so there are no
/// more keys than routes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum SourceKey {
    /// A trigger or an integration.
    Subject(Uuid),
    /// A provider's app.
    App(String),
    /// Nango.
    Nango,
}

/// Why a delivery is refused, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded {
    /// Whose quota is used up, in figures.
    pub(super) cause: &'static str,
    /// For people.
    pub(super) detail: &'static str,
    /// When to come again.
    pub(super) wait: Duration,
}

/// The limits of this process; cheap to clone.
#[derive(Clone, Debug)]
pub struct RateLimits(Arc<Limits<DefaultClock>>);

#[derive(Debug)]
struct Limits<C: Clock> {
    source: Limit<Uuid, C>,
    /// Of senders that speak for many organizations.
    app: Limit<SourceKey, C>,
    organization: Limit<OrgId, C>,
    unverified: Limit<SourceKey, C>,
}

/// One quota for each key; none if there is no limit.
#[derive(Debug)]
struct Limit<K: Hash + Eq + Clone, C: Clock>(Option<Limited<K, C>>);

struct Limited<K: Hash + Eq + Clone, C: Clock> {
    limiter:
        RateLimiter<K, DashMapStateStore<K>, C, governor::middleware::NoOpMiddleware<C::Instant>>,
    /// Whose quota is used up, and until when. Empty as a rule, and then cheap to read.
    exhausted: RwLock<HashMap<K, C::Instant>>,
    clock: C,
}

impl<K: Hash + Eq + Clone, C: Clock> std::fmt::Debug for Limited<K, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Limited")
    }
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Limit<K, C> {
    /// `per_second` in the long run, and `burst` at once; 0: no limit.
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

    /// For how long the quota of `key` is used up; nothing is taken from it.
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

    /// Forgets whose quota is full again.
    fn forget(&self) {
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
            source: Limit::new(config.source_per_second, config.source_burst, clock),
            app: Limit::new(config.app_per_second, config.app_burst, clock),
            organization: Limit::new(
                config.organization_per_second,
                config.organization_burst,
                clock,
            ),
            unverified: Limit::new(config.unverified_per_second, config.unverified_burst, clock),
        }
    }

    fn check(&self, source: &SourceKey, org: Option<&OrgId>) -> Result<(), Exceeded> {
        let of_source = match source {
            SourceKey::Subject(id) => self.source.exhausted(id),
            app => self.app.exhausted(app),
        };
        of_source.map_or(Ok(()), |wait| Err(too_many_of_source(wait)))?;
        let of_org = org.and_then(|org| self.organization.exhausted(org));
        of_org.map_or(Ok(()), |wait| Err(too_many_of_org(wait)))
    }

    fn take(&self, source: &SourceKey, org: Option<&OrgId>) -> Result<(), Exceeded> {
        match source {
            SourceKey::Subject(id) => self.source.take(id),
            app => self.app.take(app),
        }
        .map_err(too_many_of_source)?;
        org.map_or(Ok(()), |org| self.organization.take(org))
            .map_err(too_many_of_org)
    }

    fn unverified(&self, source: &SourceKey) -> Result<(), Exceeded> {
        self.unverified.take(source).map_err(|wait| Exceeded {
            cause: "rate_limited_unverified",
            detail: "too many deliveries that could not be verified",
            wait,
        })
    }

    fn forget(&self) {
        self.source.forget();
        self.app.forget();
        self.organization.forget();
        self.unverified.forget();
    }
}

fn too_many_of_source(wait: Duration) -> Exceeded {
    Exceeded {
        cause: "rate_limited_source",
        detail: "too many deliveries to this URL",
        wait,
    }
}

fn too_many_of_org(wait: Duration) -> Exceeded {
    Exceeded {
        cause: "rate_limited_organization",
        detail: "too many deliveries to this organization",
        wait,
    }
}

impl Exceeded {
    /// Whole seconds to wait, for `Retry-After`.
    pub(super) fn retry_after_seconds(&self) -> u64 {
        let whole = self.wait.as_secs();
        (whole + u64::from(self.wait.subsec_nanos() > 0)).max(1)
    }
}

impl RateLimits {
    /// As configured.
    pub fn new(config: &IngressConfig) -> Self {
        Self(Arc::new(Limits::new(config, &DefaultClock::default())))
    }

    /// Whether a delivery may be read; nothing is taken from a quota.
    pub(super) fn check(&self, source: &SourceKey, org: Option<&OrgId>) -> Result<(), Exceeded> {
        self.0.check(source, org)
    }

    /// Takes a verified delivery from its quotas.
    pub(super) fn take(&self, source: &SourceKey, org: Option<&OrgId>) -> Result<(), Exceeded> {
        self.0.take(source, org)
    }

    /// Takes a delivery that could not be verified from the quota for those.
    pub(super) fn unverified(&self, source: &SourceKey) -> Result<(), Exceeded> {
        self.0.unverified(source)
    }

    /// Forgets, from time to time, whose quota is full again; until it is dropped.
    pub async fn forget(self) {
        loop {
            tokio::time::sleep(FORGET_EVERY).await;
            self.0.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use governor::clock::FakeRelativeClock;

    fn limits(clock: &FakeRelativeClock) -> Limits<FakeRelativeClock> {
        let flags = "[ingress]\nsource_per_second = 2\nsource_burst = 3\n\
            organization_per_second = 4\norganization_burst = 5\napp_per_second = 0\n\
            unverified_per_second = 1\nunverified_burst = 7";
        let config = Config::load(None, std::iter::empty(), flags.parse().unwrap()).unwrap();
        Limits::new(&config.ingress, clock)
    }

    fn source() -> SourceKey {
        SourceKey::Subject(Uuid::now_v7())
    }

    #[test]
    fn a_source_may_send_its_burst_and_then_its_rate() {
        let clock = FakeRelativeClock::default();
        let (limits, source, other) = (limits(&clock), source(), source());
        for _ in 0..3 {
            limits.check(&source, None).unwrap();
            limits.take(&source, None).unwrap();
        }
        limits.check(&source, None).unwrap();
        let exceeded = limits.take(&source, None).unwrap_err();
        assert_eq!(exceeded.cause, "rate_limited_source");
        assert_eq!(exceeded.wait, Duration::from_millis(500));
        assert_eq!(exceeded.retry_after_seconds(), 1);
        assert_eq!(
            limits.check(&source, None),
            Err(exceeded),
            "known before its body is read"
        );
        limits.take(&other, None).unwrap();
        clock.advance(Duration::from_millis(500));
        limits.check(&source, None).unwrap();
        limits.take(&source, None).unwrap();
        assert!(limits.take(&source, None).is_err());
    }

    #[test]
    fn an_organization_may_send_no_more_through_many_sources() {
        let clock = FakeRelativeClock::default();
        let limits = limits(&clock);
        let (acme, other): (OrgId, OrgId) = ("acme".parse().unwrap(), "other".parse().unwrap());
        for _ in 0..5 {
            limits.take(&source(), Some(&acme)).unwrap();
        }
        let exceeded = limits.take(&source(), Some(&acme)).unwrap_err();
        assert_eq!(exceeded.cause, "rate_limited_organization");
        assert!(limits.check(&source(), Some(&acme)).is_err());
        limits.take(&source(), Some(&other)).unwrap();
    }

    #[test]
    fn forged_deliveries_use_up_nothing_but_their_own_quota() {
        let clock = FakeRelativeClock::default();
        let (limits, source) = (limits(&clock), source());
        for _ in 0..7 {
            limits.unverified(&source).unwrap();
        }
        assert_eq!(
            limits.unverified(&source).unwrap_err().cause,
            "rate_limited_unverified"
        );
        limits.check(&source, None).unwrap();
        limits.take(&source, None).unwrap();
    }

    #[test]
    fn no_limit_is_no_limit_and_what_is_quiet_is_forgotten() {
        let clock = FakeRelativeClock::default();
        let limits = limits(&clock);
        for _ in 0..10_000 {
            limits.take(&SourceKey::Nango, None).unwrap();
        }
        for _ in 0..100 {
            let source = source();
            while limits.take(&source, None).is_ok() {}
        }
        let Limit(Some(limited)) = &limits.source else {
            unreachable!()
        };
        assert_eq!(limited.limiter.len(), 100);
        clock.advance(Duration::from_secs(10));
        limits.forget();
        assert_eq!(limited.limiter.len(), 0);
        assert!(limited.exhausted.read().unwrap().is_empty());
    }
}
