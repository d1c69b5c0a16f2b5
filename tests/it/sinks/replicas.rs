use super::*;
use reqwest::Method;
use std::collections::HashSet;
use std::time::Duration;
use triggerhouse_tests::Kind;
use triggerhouse_tests::receiver::Answer;

const RUNS: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_dispatchers_never_send_a_message_at_the_same_time() {
    let db = TestDb::create(Kind::Postgres).await;
    // Every third request fails, after a while.
    let receiver = Receiver::start(|received| match received.len() % 3 {
        0 => Answer::SlowFailure(Duration::from_millis(20)),
        _ => Answer::Slow(Duration::from_millis(20)),
    })
    .await;
    let more = "per_sink_in_flight_max = 4\ncircuit_failures = 1000";
    let (mut one, _, _) = with_sink(&db, &receiver, more).await;
    let other = TestApp::start_with(&db, &settings(&[&receiver], more)).await;
    let messages = start_runs(&mut one, "acme", RUNS).await;
    all_sent(&db).await;
    let received = receiver.received();
    assert!(received.iter().all(|one| !one.overlaps));
    let attempts: HashSet<(String, String)> = received
        .iter()
        .map(|one| (one.id(), one.header("triggerhouse-attempt").to_owned()))
        .collect();
    assert_eq!(attempts.len(), received.len(), "no attempt twice");
    assert_eq!(receiver.ids(), messages.into_iter().collect());
    assert!(received.len() > RUNS, "some failed");
    one.stop().await;
    other.stop().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_wakes_a_dispatcher_on_another_replica() {
    let db = TestDb::create(Kind::Postgres).await;
    let receiver = Receiver::answering(Answer::Status(200)).await;
    let slow = settings(&[&receiver], "").replace("poll_ms = 20", "poll_ms = 600000");
    let mut desk = TestApp::start_with(&db, &format!("roles = ['api']\n{slow}")).await;
    let dispatcher = TestApp::start_with(&db, &format!("roles = ['dispatcher']\n{slow}")).await;
    sink(&mut desk, "acme", &receiver).await;
    for sent in 1..=3 {
        start_runs(&mut desk, "acme", 1).await;
        eventually("a message", async || receiver.count() == sent).await;
    }
    desk.stop().await;
    dispatcher.stop().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_database_connections_in_a_burst_lose_no_message() {
    const BREAKS: usize = 4;
    let db = TestDb::create(Kind::Postgres).await;
    let receiver = Receiver::answering(Answer::Slow(Duration::from_millis(20))).await;
    let more = "per_sink_in_flight_max = 4\ntimeout_ms = 500\nlease_seconds = 2";
    let (mut app, _, _) = with_sink(&db, &receiver, more).await;
    let messages = start_runs(&mut app, "acme", 1).await;
    let automation = app.all("acme", "/v1/runs").await.remove(0)["automation_id"].clone();
    let path = format!("/v1/automations/{}/run", text(&automation));
    let mut started: HashSet<String> = messages.into_iter().collect();
    for number in 1..RUNS {
        if number % (RUNS / BREAKS) == 0 {
            db.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where datname = current_database() and pid <> pg_backend_pid()",
            )
            .await;
        }
        let answer = app.call("acme", Method::POST, &path, Some(json!({}))).await;
        // A call without a success may have started a run nevertheless.
        if answer.status().is_success() {
            let answer: Value = answer.json().await.unwrap();
            started.insert(text(&answer["run"]["id"]).replace("run_", "out_"));
        }
    }
    all_sent(&db).await;
    let ids = receiver.ids();
    assert!(started.is_subset(&ids), "{started:?}");
    assert!(started.len() > RUNS / 2);
    let failed = app.all("acme", "/v1/outbox?status=failed").await;
    assert!(failed.is_empty(), "{failed:?}");
    app.stop().await;
    db.remove().await;
}
