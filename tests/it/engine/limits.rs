use super::*;
use triggerhouse::provider::{Consequence, TrapKind};

#[tokio::test(flavor = "current_thread")]
async fn an_endless_loop_is_interrupted_and_yields_the_thread_to_its_neighbor() {
    let engine = engine_with(|limits| limits.call_cpu_ms = 300);
    let provider = load(&engine, "echo").await;
    let neighbour = {
        let provider = Arc::clone(&provider);
        async move {
            // The loop starts first.
            tokio::task::yield_now().await;
            let begun = Instant::now();
            let events = parse(&provider, r#"{"events":[{"dedup_key":"a","kind":"b"}]}"#).await;
            assert_eq!(events.unwrap().len(), 1);
            begun.elapsed()
        }
    };
    let begun = Instant::now();
    let looping = async {
        let error = told(&provider, "loop").await;
        (error, begun.elapsed())
    };
    let ((error, looped), neighbour) = tokio::join!(looping, neighbour);
    assert_eq!(error, GuestError::OutOfTime { limit_ms: 300 });
    assert_eq!(error.consequence(), Consequence::Retry);
    assert!(looped >= Duration::from_millis(300), "{looped:?}");
    assert!(neighbour < looped, "{neighbour:?} of {looped:?}");
}

#[tokio::test]
async fn an_endless_loop_in_the_filter_is_interrupted_and_ends_the_session() {
    let engine = engine_with(|limits| limits.call_cpu_ms = 50);
    let provider = load(&engine, "echo").await;
    let context = CallContext::of(&delivery(""));
    let mut session = provider.open(context).await.unwrap();
    let looping = event("k", r#"{"do":"loop"}"#);
    let error = session.matches(&looping, &["{}"]).await.unwrap_err();
    assert_eq!(error, GuestError::OutOfTime { limit_ms: 50 });
    let again = session.matches(&event("k", "{}"), &["{}"]).await;
    assert_eq!(again, Err(GuestError::Poisoned));
}

#[tokio::test]
async fn a_guest_that_waits_for_too_long_times_out() {
    let engine = engine_with(|limits| limits.call_wall_ms = 100);
    let provider = load(&engine, "echo").await;
    let begun = Instant::now();
    let error = told(&provider, "sleep").await;
    assert_eq!(error, GuestError::TimedOut { limit_ms: 100 });
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn a_memory_hog_is_told_apart_from_a_panic() {
    let provider = load(&engine(), "echo").await;
    let error = told(&provider, "hog").await;
    let limit_bytes = engine_with(|_| {}).limits().memory_bytes;
    assert_eq!(error, GuestError::OutOfMemory { limit_bytes });
    assert_eq!(error.consequence(), Consequence::Retry);
}

#[tokio::test]
async fn deep_recursion_traps() {
    let provider = load(&engine(), "echo").await;
    let error = told(&provider, "recurse").await;
    let expected = [TrapKind::MemoryOutOfBounds, TrapKind::StackOverflow];
    assert!(
        matches!(&error, GuestError::Trapped { kind, .. } if expected.contains(kind)),
        "{error}"
    );
}

#[tokio::test]
async fn a_trap_carries_the_text_of_the_panic_and_harms_no_other_session() {
    let provider = load(&engine(), "echo").await;
    let error = told(&provider, "trap").await;
    assert!(
        matches!(&error, GuestError::Trapped { kind: TrapKind::Panic, message }
            if message.contains("echo was told to panic")),
        "{error}"
    );
    assert_eq!(error.consequence(), Consequence::Retry);
    assert_eq!(parse(&provider, r#"{"events":[]}"#).await, Ok(vec![]));
}

#[tokio::test]
async fn an_exit_is_a_trap() {
    let provider = load(&engine(), "echo").await;
    let error = told(&provider, "exit").await;
    let exit = matches!(
        &error,
        GuestError::Trapped {
            kind: TrapKind::Exit,
            ..
        }
    );
    assert!(exit, "{error}");
}

#[tokio::test]
async fn output_beyond_a_limit_is_refused_with_field_and_sizes() {
    let provider = load(&engine(), "echo").await;
    for (what, text) in [
        (
            "huge_title",
            "the provider returned 3000 bytes of title in event 0, but the limit is 2048",
        ),
        (
            "huge_events",
            "the provider returned 1001 events in one call, but the limit is 1000",
        ),
        (
            "huge_string",
            "the provider returned more than 16777216 bytes in one call, but the limit is 16777216",
        ),
        (
            "array_facts",
            "the provider broke the contract: event 0: facts is no JSON object: \
             invalid type: sequence, expected a map at line 1 column 0",
        ),
        (
            "no_key",
            "the provider broke the contract: event 0: dedup-key is empty",
        ),
    ] {
        let error = told(&provider, what).await;
        assert_eq!(error.to_string(), text);
        assert_eq!(error.consequence(), Consequence::Fail, "{what}");
    }
}

#[tokio::test]
async fn a_nul_character_is_replaced() {
    let provider = load(&engine(), "echo").await;
    let events = parse(&provider, r#"{"do":"nul"}"#).await.unwrap();
    assert_eq!(events[0].title, "a\u{fffd}b");
}

#[tokio::test]
async fn a_wrong_number_of_verdicts_is_refused() {
    let provider = load(&engine(), "echo").await;
    let context = CallContext::of(&delivery(""));
    let mut session = provider.open(context).await.unwrap();
    let few = event("k", r#"{"do":"too_few_verdicts"}"#);
    let error = session.matches(&few, &["{}", "{}"]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the provider broke the contract: filter.matches returned 1 verdicts for 2 configurations"
    );
    assert_eq!(error.consequence(), Consequence::Fail);
    let long = event("k", r#"{"do":"long_reason"}"#);
    let verdicts = session.matches(&long, &["{}"]).await.unwrap();
    assert!(matches!(&verdicts[0], Verdict::Reject(why) if !why.contains('\0')));
}

#[tokio::test]
async fn a_flood_of_log_lines_is_dropped_and_harms_nothing() {
    let engine = engine_with(|limits| limits.call_cpu_ms = 20_000);
    let provider = load(&engine, "echo").await;
    let saw = seen(&provider, "log_flood").await;
    assert_eq!(saw["flooded"], true);
}

#[tokio::test]
async fn a_delivery_waits_for_a_free_instance() {
    let engine = engine_with(|limits| {
        limits.instances = 1;
        limits.call_wall_ms = 200;
    });
    let provider = load(&engine, "echo").await;
    let context = CallContext::of(&delivery(""));
    let held = provider.open(context).await.unwrap();
    let error = provider.open(context).await.map(drop).unwrap_err();
    assert_eq!(error, GuestError::Busy);
    assert_eq!(error.consequence(), Consequence::Retry);
    drop(held);
    assert!(provider.open(context).await.is_ok());
}

#[tokio::test]
async fn a_dropped_call_ends_its_session() {
    let provider = load(&engine(), "echo").await;
    let delivery = delivery(r#"{"do":"sleep"}"#);
    let mut session = provider.open(CallContext::of(&delivery)).await.unwrap();
    let short = Duration::from_millis(50);
    assert!(
        tokio::time::timeout(short, session.parse(&delivery))
            .await
            .is_err()
    );
    assert_eq!(
        session.parse(&delivery).await,
        Err(GuestError::Poisoned.into())
    );
}

#[test]
fn limits_out_of_range_are_refused_by_name() {
    let limits = EngineLimits {
        memory_bytes: 0,
        ..EngineLimits::default()
    };
    let error = Engine::new(limits).map(drop).unwrap_err();
    assert_eq!(
        error.to_string(),
        "engine limits: memory_bytes: expected more than 0"
    );
}
