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

fn source() -> RateKey {
    RateKey::Route(Uuid::now_v7())
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
fn forged_deliveries_use_up_only_their_own_quota() {
    let clock = FakeRelativeClock::default();
    let (limits, source) = (limits(&clock), source());
    for _ in 0..7 {
        limits.take_unverified(&source).unwrap();
    }
    assert_eq!(
        limits.take_unverified(&source).unwrap_err().cause,
        "rate_limited_unverified"
    );
    limits.check(&source, None).unwrap();
    limits.take(&source, None).unwrap();
}

#[test]
fn without_a_limit_nothing_is_refused_and_idle_keys_are_swept() {
    let clock = FakeRelativeClock::default();
    let limits = limits(&clock);
    for _ in 0..10_000 {
        limits.take(&RateKey::Nango, None).unwrap();
    }
    for _ in 0..100 {
        let source = source();
        while limits.take(&source, None).is_ok() {}
    }
    let Quotas(Some(limited)) = &limits.route else {
        unreachable!()
    };
    assert_eq!(limited.limiter.len(), 100);
    clock.advance(Duration::from_secs(10));
    limits.sweep();
    assert_eq!(limited.limiter.len(), 0);
    assert!(limited.exhausted.read().unwrap().is_empty());
}
