use super::*;

const NOW: Timestamp = Timestamp(1_795_608_000_000_000);

fn retries(paused_until: Option<u64>) -> Retries {
    Retries {
        backoff: Backoff {
            base: Duration::from_secs(10),
            max: Duration::from_secs(3_600),
        },
        failures: 2,
        paused_until: paused_until.map(after),
        now: NOW,
        random: 1.0,
    }
}

fn after(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn at(failed: PollDisposition) -> u64 {
    let at = match failed {
        PollDisposition::Retry { at, .. } | PollDisposition::GiveBack { at } => at,
        PollDisposition::RateLimited { until, .. } => until,
        PollDisposition::Unauthorized { .. } => return 0,
    };
    u64::try_from(at.micros_since(NOW)).unwrap() / 1_000_000
}

#[test]
fn a_pause_is_as_long_as_the_service_says_and_is_no_failure() {
    let seconds = |seconds| PollFailure::RateLimited(Some(Duration::from_secs(seconds)));
    let failed = retries(None).failed(&seconds(90), None);
    assert!(matches!(failed, PollDisposition::RateLimited { until, .. } if until == after(90)));
    assert_eq!(at(retries(Some(500)).failed(&seconds(90), None)), 500);
    assert_eq!(at(retries(None).failed(&seconds(1 << 40), None)), 86_400);
    let somehow = PollFailure::RateLimited(None);
    assert_eq!(at(retries(Some(70)).failed(&somehow, None)), 70);
    let at_once = PollFailure::RateLimited(Some(Duration::ZERO));
    assert_eq!(at(retries(None).failed(&at_once, None)), 40);
    let failed = retries(None).failed(&somehow, None);
    assert!(
        matches!(failed, PollDisposition::Retry { .. }),
        "{failed:?}"
    );
}

#[test]
fn transient_failures_are_retried_sooner_than_those_that_a_person_must_fix() {
    let unavailable = PollFailure::Unavailable("503".into());
    assert_eq!(at(retries(None).failed(&unavailable, None)), 40);
    assert_eq!(at(retries(Some(99)).failed(&unavailable, None)), 99);
    let invalid = PollFailure::InvalidCursor("gone".into());
    assert_eq!(at(retries(None).failed(&invalid, None)), 3_600);
    let broken = PollFailure::Guest(GuestError::BadOutput("no JSON".into()));
    assert_eq!(at(retries(None).failed(&broken, None)), 3_600);
    let trapped = PollFailure::Guest(GuestError::OutOfTime { limit_ms: 1 });
    assert_eq!(at(retries(None).failed(&trapped, None)), 40);
    assert_eq!(
        at(retries(None).failed(&PollFailure::Guest(GuestError::Busy), None)),
        1
    );
}

#[test]
fn a_refused_credential_stops_polling() {
    let refused = PollFailure::Unauthorized("401".into());
    let revision = Some(Uuid::nil());
    let error = "unauthorized: 401".into();
    assert_eq!(
        retries(None).failed(&refused, revision),
        PollDisposition::Unauthorized { error, revision }
    );
}

#[test]
fn a_token_issuer_gets_the_pause_that_it_asks_for() {
    let away = |seconds: Option<u64>| AccessError::Unavailable {
        reason: "503".into(),
        retry_after: seconds.map(Duration::from_secs),
    };
    assert_eq!(at(retries(None).without_access(&away(None))), 40);
    assert_eq!(at(retries(None).without_access(&away(Some(3)))), 40);
    assert_eq!(at(retries(None).without_access(&away(Some(300)))), 300);
}
