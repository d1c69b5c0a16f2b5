//! Outages of the database: connections that are refused, and connections without an answer.

use reqwest::StatusCode;
use serde_json::json;
use std::time::{Duration, Instant};
use triggerhouse_tests::app::Hook;
use triggerhouse_tests::wire::Wire;
use triggerhouse_tests::{Kind, TestApp, TestDb, eventually, github};

/// A database on Postgres, directly and through a wire that the test can cut.
async fn over_a_wire() -> (TestDb, TestDb, Wire) {
    let db = TestDb::create(Kind::Postgres).await;
    let (head, name) = db.url.rsplit_once('/').unwrap();
    let (user, server) = head.rsplit_once('@').unwrap();
    let wire = Wire::to(server).await;
    let url = format!("{user}@127.0.0.1:{}/{name}", wire.port);
    let by_wire = TestDb::of_server(&url);
    (db, by_wire, wire)
}

/// Sends a delivery. None means no answer within a minute.
async fn send(http: &reqwest::Client, hook: &Hook, id: &str) -> Option<StatusCode> {
    let body = github::issue("opened", 1);
    let request = github::delivery(http, &hook.url, &hook.secret, "issues", id, &body);
    let answer = request.timeout(Duration::from_secs(60)).send().await;
    answer.ok().map(|answer| answer.status())
}

async fn send_until_taken(http: &reqwest::Client, hook: &Hook, id: &str) {
    eventually("an accepted delivery", async || {
        send(http, hook, id).await == Some(StatusCode::OK)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_senders_get_503_at_once_during_an_outage() {
    const SENDERS: usize = 1_000;
    let (db, by_wire, wire) = over_a_wire().await;
    let mut app = TestApp::start_with(&by_wire, "[ingress]\nbatch_deliveries_max = 32").await;
    let hook = app.hook("acme", "github", json!({})).await;
    assert_eq!(send(&app.http, &hook, "before").await, Some(StatusCode::OK));
    app.settled().await;

    wire.cut().await;
    let begun = Instant::now();
    let senders = (0..SENDERS).map(|number| {
        let (http, url, secret) = (app.http.clone(), hook.url.clone(), hook.secret.clone());
        let hook = Hook {
            trigger: String::new(),
            url,
            secret,
        };
        tokio::spawn(async move { send(&http, &hook, &format!("d-{number}")).await })
    });
    for sender in senders.collect::<Vec<_>>() {
        assert_eq!(sender.await.unwrap(), Some(StatusCode::SERVICE_UNAVAILABLE));
    }
    // Sequential batches would each wait five seconds for a connection.
    let all = begun.elapsed();
    assert!(all < Duration::from_secs(60), "{all:?}");

    wire.mend().await;
    send_until_taken(&app.http, &hook, "after").await;
    app.settled().await;
    assert_eq!(db.number("select count(*) from inbox").await, 2);
    app.stop().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_are_closed_and_replaced() {
    let (db, by_wire, wire) = over_a_wire().await;
    // The replicas do not poll: only signals wake the other one.
    let settings = "database_answer_seconds_max = 1\n[inbox]\npoll_ms = 600000";
    let door = format!("roles = ['ingress', 'api']\n{settings}");
    let mut door = TestApp::start_with(&by_wire, &door).await;
    let work = format!("roles = ['workers']\n{settings}");
    let work = TestApp::start_with(&by_wire, &work).await;
    let hook = door.hook("acme", "github", json!({})).await;
    for round in 0..3 {
        if round > 0 {
            wire.silence();
        }
        send_until_taken(&door.http, &hook, &format!("d-{round}")).await;
        let runs = "select count(*) from runs";
        eventually("its run", async || db.number(runs).await == round + 1).await;
    }
    assert_eq!(door.all("acme", "/v1/runs").await.len(), 3);
    work.stop().await;
    door.stop().await;
    db.remove().await;
}
