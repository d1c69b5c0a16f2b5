use super::*;
use std::time::{Duration, Instant};
use triggerhouse::domain::event::Verdict;
use triggerhouse::provider::{Consequence, TrapKind};

async fn rig(change: impl FnOnce(&mut Setup)) -> Rig {
    let mut setup = Setup::default();
    change(&mut setup);
    setup.rig().await
}

async fn failure(rig: &Rig, what: &str) -> GuestError {
    match rig.run(json!({ "do": what })).await {
        Err(PollFailure::Guest(error)) => error,
        other => panic!("{what}: expected the guest to fail, got {other:?}"),
    }
}

#[tokio::test]
async fn a_page_comes_with_its_cursor_and_its_session_filters_it() {
    let rig = rig(|_| {}).await;
    let request = request(&json!({ "do": "saw" }), NOW);
    let mut session = rig.open(&request).await.unwrap();
    let page = session.poll(&request).await.unwrap();
    assert_eq!(
        (&*page.cursor, page.more, page.events.len()),
        ("7", true, 1)
    );
    let verdicts = session
        .matches(&page.events[0], &["{}", "7"])
        .await
        .unwrap();
    assert_eq!(verdicts[0], Verdict::Accept);
    assert!(matches!(verdicts[1], Verdict::InvalidConfig(_)));
    let saw: Value = serde_json::from_str(&page.events[0].facts).unwrap();
    assert_eq!(saw["configs"], json!([r#"{"a":1}"#]));
    assert_eq!(
        (&saw["settings"], &saw["limit"]),
        (&json!("{}"), &json!(100))
    );
    let again = session.poll(&request).await.unwrap_err().to_string();
    assert!(again.contains("has polled"), "{again}");
}

#[tokio::test]
async fn a_provider_continues_from_its_cursor_with_its_settings() {
    let server = Server::ok().await;
    let engine = Engine::new(EngineLimits::default()).unwrap();
    let path = files::guest("guest_poller");
    let mut entry = RegistryEntry::of(&path);
    entry.allow_hosts = vec![server.address.to_string()];
    entry
        .settings
        .insert("base_url".into(), server.url("").into());
    let provider = Provider::load(&engine, &Cache::disabled(), &path, &entry).await;
    let rig = Rig {
        provider: provider.unwrap(),
        egress: Egress::new(EgressLimits::default()).unwrap(),
        access: group(None),
    };
    let mut request = PollRequest {
        cursor: None,
        ..request(&json!(0), NOW)
    };
    for poll in 0..3 {
        let page = rig.poll(&request).await.unwrap();
        assert_eq!(page.events[0].dedup_key, format!("poller:{poll}"));
        assert_eq!(page.events[0].occurred_at, Some(NOW));
        request.cursor = Some(page.cursor);
    }
    let targets: Vec<String> = server.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(targets, ["/items"; 3]);
}

#[tokio::test]
async fn clock_and_randomness_derive_from_the_polls_time() {
    let rig = rig(|_| {}).await;
    let saw = async |now| -> Value {
        let page = rig
            .poll(&request(&json!({ "do": "saw" }), now))
            .await
            .unwrap();
        serde_json::from_str(&page.events[0].facts).unwrap()
    };
    let first = saw(NOW).await;
    assert_eq!(
        (&first["clock"], &first["now"]),
        (&json!(NOW.0), &json!(NOW.0))
    );
    assert_eq!(saw(NOW).await, first);
    let later = saw(NOW + Duration::from_secs(1)).await;
    assert_ne!(later["random"], first["random"]);
    assert_eq!(later["clock"], NOW.0 + 1_000_000);
}

#[tokio::test]
async fn each_failure_that_a_provider_reports_is_kept_apart_and_cut() {
    let rig = rig(|_| {}).await;
    let said = async |what: &str| match rig.run(json!({ "do": what })).await {
        Err(failure) => failure,
        other => panic!("{what}: {other:?}"),
    };
    let seconds = Some(Duration::from_secs(30));
    assert_eq!(
        said("rate_limited").await,
        PollFailure::RateLimited(seconds)
    );
    assert_eq!(
        said("rate_limited_somehow").await,
        PollFailure::RateLimited(None)
    );
    let text = "x\u{fffd}".repeat(1_024);
    assert_eq!(
        said("unauthorized").await,
        PollFailure::Unauthorized(text.clone())
    );
    assert_eq!(
        said("invalid_cursor").await,
        PollFailure::InvalidCursor(text.clone())
    );
    assert_eq!(
        said("unavailable").await,
        PollFailure::Unavailable(text.clone())
    );
    assert_eq!(said("something else").await, PollFailure::Other(text));
}

#[tokio::test]
async fn a_page_over_a_limit_is_refused_as_a_whole() {
    let rig = rig(|_| {}).await;
    let refused = async |script: Value, limit: u32| {
        let mut request = request(&script, NOW);
        request.limit = limit;
        match rig.poll(&request).await {
            Ok(page) => format!("{} events", page.events.len()),
            Err(PollFailure::Guest(error)) => {
                assert_eq!(error.consequence(), Consequence::Fail);
                error.to_string()
            }
            Err(other) => panic!("{other:?}"),
        }
    };
    let events = |count: u32| json!({ "do": "events", "count": count });
    assert_eq!(refused(events(2), 2).await, "2 events");
    let text = "the provider returned 3 events in one call, but the limit is 2";
    assert_eq!(refused(events(3), 2).await, text);
    let text = "the provider returned 1001 events in one call, but the limit is 1000";
    assert_eq!(refused(events(1_001), 5_000).await, text);
    let text = "the provider returned 3000 bytes of title in event 0, but the limit is 2048";
    assert_eq!(refused(json!({ "do": "title" }), 9).await, text);
    let text = "the provider returned 65538 bytes of cursor, but the limit is 65536";
    assert_eq!(refused(json!({ "do": "huge_cursor" }), 9).await, text);
    for text in ["", "no json", "{} {}", "{\"a\":"] {
        let refusal = refused(json!({ "do": "cursor", "text": text }), 9).await;
        let start = "the provider broke the contract: cursor is no JSON: ";
        assert!(refusal.starts_with(start), "{refusal}");
    }
}

#[tokio::test]
async fn a_poll_that_traps_loops_sleeps_or_hoards_fails_alone() {
    let rig = rig(|setup| {
        setup.engine.poll_cpu_ms = 1_000;
        setup.engine.poll_wall_ms = 2_000;
        setup.engine.poll_memory_bytes = 64 << 20;
    })
    .await;
    let trapped = failure(&rig, "trap").await;
    assert!(
        matches!(&trapped, GuestError::Trapped { kind: TrapKind::Panic, message }
            if message.contains("told to panic")),
        "{trapped}"
    );
    assert_eq!(
        failure(&rig, "loop").await,
        GuestError::OutOfTime { limit_ms: 1_000 }
    );
    assert_eq!(
        failure(&rig, "sleep").await,
        GuestError::TimedOut { limit_ms: 2_000 }
    );
    let limit_bytes = 64 << 20;
    assert_eq!(
        failure(&rig, "hog").await,
        GuestError::OutOfMemory { limit_bytes }
    );
    assert!(rig.run(json!({})).await.is_ok());
}

#[tokio::test]
async fn a_trap_after_a_fetch_ends_the_poll_and_the_session() {
    let server = Server::ok().await;
    let rig = Setup::granting(&[&server]).rig().await;
    let script = json!({ "fetch": [{ "url": server.url("/") }], "do": "trap" });
    let request = request(&script, NOW);
    let mut session = rig.open(&request).await.unwrap();
    let error = session.poll(&request).await.unwrap_err();
    assert!(matches!(
        error,
        PollFailure::Guest(GuestError::Trapped { .. })
    ));
    let event = rig
        .run(json!({ "do": "saw" }))
        .await
        .unwrap()
        .events
        .remove(0);
    assert_eq!(
        session.matches(&event, &["{}"]).await,
        Err(GuestError::Poisoned)
    );
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn waiting_polls_delay_no_delivery_and_too_many_are_refused_at_once() {
    let server = Server::ok().await;
    let mut setup = Setup::granting(&[&server]);
    (setup.engine.instances, setup.engine.poll_instances) = (1, 1);
    let rig = setup.rig().await;
    let hang = request(&json!({ "fetch": [{ "url": server.url("/hang") }] }), NOW);
    let mut waiting = rig.open(&hang).await.unwrap();
    let waiting = tokio::spawn(async move { waiting.poll(&hang).await });
    let begun = Instant::now();
    let other = request(&json!({}), NOW);
    assert_eq!(rig.open(&other).await.map(drop), Err(GuestError::Busy));
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "a call may wait for 5 s"
    );
    let delivery = rig.provider.open(CallContext::of_poll(&other)).await;
    assert!(delivery.is_ok());
    waiting.abort();
    assert!(waiting.await.is_err());
    assert!(
        rig.open(&other).await.is_ok(),
        "a poll that is dropped gives its slot back"
    );
}

#[tokio::test]
async fn only_a_polling_provider_can_be_polled() {
    let request = request(&json!({}), NOW);
    let webhook = rig(|setup| setup.guest = "echo").await;
    let refused = webhook.open(&request).await.map(drop);
    assert_eq!(refused, Err(GuestError::NotExported("polling")));
    let poller = rig(|_| {}).await;
    let context = CallContext::of_poll(&request);
    let mut session = poller.provider.open(context).await.unwrap();
    let error = session.poll(&request).await.unwrap_err().to_string();
    assert!(error.contains("was not opened for a poll"), "{error}");
}
