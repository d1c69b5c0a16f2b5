use super::*;

#[tokio::test]
async fn a_delivery_becomes_events_and_verdicts_in_one_instance() {
    let provider = load(&engine(), "echo").await;
    let delivery = delivery(
        r#"{"events":[{"dedup_key":"echo:7","kind":"rung","title":"Ding","actor":"ann",
            "url":"https://example.com/7","occurred_at":"2026-11-23T14:00:00Z","facts":{"door":"front"}}]}"#,
    );
    let mut session = provider.open(CallContext::of(&delivery)).await.unwrap();
    let events = session.parse(&delivery).await.unwrap();
    assert_eq!(
        events,
        [ParsedEvent {
            dedup_key: "echo:7".into(),
            kind: "rung".into(),
            occurred_at: Some(Timestamp(1_795_442_400_000_000)),
            title: "Ding".into(),
            url: Some("https://example.com/7".into()),
            actor: Some("ann".into()),
            facts: r#"{"door":"front"}"#.into(),
        }]
    );
    let configs = ["{}", r#"{"kinds":["knocked"]}"#, r#"{"kinds":7}"#];
    let verdicts = session.matches(&events[0], &configs).await.unwrap();
    assert_eq!(verdicts[0], Verdict::Accept);
    assert_eq!(
        verdicts[1],
        Verdict::Reject("kinds: rung is not listed".into())
    );
    assert!(matches!(&verdicts[2], Verdict::InvalidConfig(why) if why.contains("invalid type")));
    let stats = session.last_call();
    assert!(stats.memory_bytes_peak >= 1 << 20 && stats.wall >= stats.cpu && !stats.cpu.is_zero());
}

#[tokio::test]
async fn more_configurations_than_fit_into_one_call_keep_their_order() {
    let provider = load(&engine(), "echo").await;
    let texts: Vec<String> = (0..2_500)
        .map(|n| format!(r#"{{"kinds":["kind-{n}"]}}"#))
        .collect();
    let configs: Vec<&str> = texts.iter().map(String::as_str).collect();
    let context = CallContext::of(&delivery(""));
    let mut session = provider.open(context).await.unwrap();
    let verdicts = session
        .matches(&event("kind-2400", "{}"), &configs)
        .await
        .unwrap();
    let accepted = |verdict| verdict == &Verdict::Accept;
    assert_eq!(verdicts.len(), 2_500);
    assert_eq!(verdicts.iter().position(accepted), Some(2_400));
    assert_eq!(verdicts.iter().filter(|v| accepted(v)).count(), 1);
    assert_eq!(session.matches(&event("k", "{}"), &[]).await, Ok(vec![]));
}

#[tokio::test]
async fn ignored_and_malformed_deliveries_are_told_apart() {
    let provider = load(&engine(), "echo").await;
    assert_eq!(
        parse(&provider, r#"{"ignore":"a ping"}"#).await,
        Err(ParseFailure::Ignored("a ping".into()))
    );
    for (body, reason) in [
        ("not json", "body: expected JSON"),
        ("", "body: expected JSON"),
        (r#"{"events":[{"kind":"k"}]}"#, "/events/0/dedup_key"),
        (r#"{"do":"dance"}"#, "do: dance is unknown"),
    ] {
        match parse(&provider, body).await {
            Err(ParseFailure::Malformed(text)) => assert!(text.contains(reason), "{text}"),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_guest_sees_the_settings_of_its_provider() {
    let path = guest("echo");
    let mut entry = RegistryEntry::of(&path);
    entry
        .settings
        .insert("base_url".into(), "https://example.com".into());
    entry.app_secrets = vec!["hush".into()];
    let provider = Provider::load(&engine(), &shared_cache(), &path, &entry)
        .await
        .unwrap();
    assert_eq!(
        seen(&provider, "settings").await["settings"],
        r#"{"base_url":"https://example.com"}"#
    );
    assert_eq!(provider.app_secrets(), ["hush"]);
    assert!(!format!("{entry:?}").contains("hush"));
}

#[tokio::test]
async fn a_guest_finds_no_environment_and_no_arguments() {
    let provider = load(&engine(), "echo").await;
    let saw = seen(&provider, "env").await;
    assert_eq!(saw, serde_json::json!({"variables": [], "arguments": []}));
}

#[tokio::test]
async fn a_guest_reaches_no_file_and_no_socket() {
    let provider = load(&engine(), "echo").await;
    let saw = seen(&provider, "files").await;
    for attempt in ["read", "list", "write", "connect"] {
        assert!(saw[attempt]["Err"].is_string(), "{attempt}: {saw}");
    }
}

#[tokio::test]
async fn a_guest_sees_the_time_of_receipt_and_repeatable_randomness() {
    let provider = load(&engine(), "echo").await;
    let saw = seen(&provider, "clock").await;
    assert_eq!(saw["first"], RECEIVED_AT.0);
    assert_eq!(saw["second"], RECEIVED_AT.0);
    assert_eq!(saw["received_at"], RECEIVED_AT.0);
    assert_eq!(saw["elapsed_ns"], 0);
    assert_eq!(seen(&provider, "clock").await, saw);
}

#[tokio::test]
async fn a_fresh_instance_remembers_nothing() {
    let provider = load(&engine(), "echo").await;
    let before = seen(&provider, "allocate").await;
    let delivery = delivery(r#"{"events":[]}"#);
    let mut session = provider.open(CallContext::of(&delivery)).await.unwrap();
    session.parse(&delivery).await.unwrap();
    assert_eq!(before["bytes"], 8 << 20);
    assert!(session.last_call().memory_bytes_peak < 8 << 20);
}
