//! The database goes away, and comes back.

use reqwest::StatusCode;
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use triggerhouse_tests::app::{Hook, text};
use triggerhouse_tests::private_postgres::PrivatePostgres;
use triggerhouse_tests::{Kind, TestApp, TestDb, eventually, github, on_both};

const SENDERS: usize = 8;
const DELIVERIES: usize = 60;
const TERMINATIONS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_connections_lose_nothing_and_need_no_restart() {
    let db = TestDb::create(Kind::Postgres).await;
    let mut app = TestApp::start(&db).await;
    let hook = Arc::new(app.hook("acme", "github", json!({})).await);
    let answered = Arc::new(AtomicUsize::new(0));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (http, hook) = (app.http.clone(), Arc::clone(&hook));
            let answered = Arc::clone(&answered);
            tokio::spawn(async move {
                let mut taken = Vec::new();
                for number in 0..DELIVERIES {
                    let id = format!("d-{sender}-{number}");
                    let body = github::issue("opened", 1);
                    let (url, secret) = (&hook.url, &hook.secret);
                    let request = github::delivery(&http, url, secret, "issues", &id, &body);
                    let status = request.send().await.unwrap().status();
                    answered.fetch_add(1, Ordering::Relaxed);
                    match status {
                        StatusCode::OK => taken.push(id),
                        other => assert_eq!(other, StatusCode::SERVICE_UNAVAILABLE),
                    }
                }
                taken
            })
        })
        .collect();
    for round in 1..=TERMINATIONS {
        let enough = round * SENDERS * DELIVERIES / (TERMINATIONS + 2);
        eventually("a burst", async || {
            answered.load(Ordering::Relaxed) >= enough
        })
        .await;
        db.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()",
        )
        .await;
    }
    let mut taken = HashSet::new();
    for sender in senders {
        taken.extend(sender.await.unwrap());
    }
    assert_eq!(
        taken.len(),
        SENDERS * DELIVERIES,
        "tried again, none was 503"
    );
    app.settled().await;
    let body = github::issue("opened", 1);
    let after = github::delivery(&app.http, &hook.url, &hook.secret, "issues", "after", &body);
    assert_eq!(after.send().await.unwrap().status(), StatusCode::OK);
    app.settled().await;
    let events = app.all("acme", "/v1/events").await;
    let keys: HashSet<String> = events
        .iter()
        .map(|event| text(&event["dedup_key"]).replace("github:", ""))
        .collect();
    assert_eq!(keys.len(), events.len(), "no event twice");
    assert!(taken.iter().all(|id| keys.contains(id)), "none is lost");
    app.stop().await;
    db.remove().await;
}

/// Sends one delivery until it is taken: a service that is answered with 503 tries again.
async fn send_until_taken(http: reqwest::Client, hook: Arc<Hook>, id: String) {
    let body = github::issue("opened", 1);
    loop {
        let request = github::delivery(&http, &hook.url, &hook.secret, "issues", &id, &body);
        match request.send().await.unwrap().status() {
            StatusCode::OK => return,
            other => assert_eq!(other, StatusCode::SERVICE_UNAVAILABLE),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_crashes_in_a_burst_loses_nothing_and_doubles_nothing() {
    let server = PrivatePostgres::start().await;
    let db = TestDb::of_server(&server.url);
    let mut app = TestApp::start(&db).await;
    let hook = Arc::new(app.hook("acme", "github", json!({})).await);
    let taken = Arc::new(AtomicUsize::new(0));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (http, hook, taken) = (app.http.clone(), Arc::clone(&hook), Arc::clone(&taken));
            tokio::spawn(async move {
                for number in 0..DELIVERIES {
                    let id = format!("d-{sender}-{number}");
                    send_until_taken(http.clone(), Arc::clone(&hook), id).await;
                    taken.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for crash in 1..=2 {
        let enough = crash * SENDERS * DELIVERIES / 4;
        eventually("a burst", async || taken.load(Ordering::Relaxed) >= enough).await;
        server.crash().await;
    }
    for sender in senders {
        sender.await.unwrap();
    }
    app.settled().await;
    let sent = SENDERS * DELIVERIES;
    let events = app.all("acme", "/v1/events").await;
    let keys: HashSet<String> = events
        .iter()
        .map(|event| text(&event["dedup_key"]))
        .collect();
    assert_eq!((keys.len(), events.len()), (sent, sent));
    assert_eq!(app.all("acme", "/v1/inbox").await.len(), sent);
    assert_eq!(app.all("acme", "/v1/runs").await.len(), sent);

    // And it goes on by itself.
    send_until_taken(app.http.clone(), Arc::clone(&hook), "after".into()).await;
    let claim = json!({"max": 100, "lease_seconds": 60, "wait_seconds": 20});
    let mut claimed = 0;
    for _ in 0..=sent {
        let items = app.post("acme", "/v1/outbox/claim", claim.clone()).await;
        claimed += items["items"].as_array().unwrap().len();
        if claimed > sent {
            break;
        }
    }
    assert_eq!(claimed, sent + 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_long_for_a_database_that_does_not_answer() {
    let db = TestDb::create(Kind::Postgres).await;
    let mut app = TestApp::start(&db).await;
    let hook = app.hook("acme", "github", json!({})).await;
    let mut holding = PgConnection::connect(&db.url).await.unwrap();
    holding.execute("begin").await.unwrap();
    let lock = "lock table counters in access exclusive mode";
    holding.execute(lock).await.unwrap();
    let begun = Instant::now();
    let forged = (0..10).map(|_| {
        let request = github::delivery(&app.http, &hook.url, "wrong", "issues", "d", b"{}");
        tokio::spawn(async move { request.send().await.unwrap().status() })
    });
    for status in forged.collect::<Vec<_>>() {
        assert_eq!(status.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
    }
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "one after the other"
    );
    holding.execute("rollback").await.unwrap();
    app.stop().await;
    db.remove().await;
}

on_both! {
    async fn what_the_table_may_not_know_is_not_refused_while_the_database_is_away(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let body = github::issue("opened", 1);
        let unknown = format!("{}/webhooks/t/nothing", app.url);
        let by_account = format!("{}/webhooks/direct/echo", app.url);
        let send = async |url: &str| {
            github::delivery(&app.http, url, "not the secret", "issues", "d", &body).send().await.unwrap()
        };
        assert_eq!(send(&unknown).await.status(), StatusCode::NOT_FOUND);

        db.execute("alter table counters rename to elsewhere").await;
        for url in [&unknown, &hook.url] {
            let answer = send(url).await;
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{url}");
            assert_eq!(answer.headers()["retry-after"], "1");
        }
        assert_eq!(send(&by_account).await.status(), StatusCode::UNAUTHORIZED, "its secrets are configuration");
        let known = github::delivery(&app.http, &hook.url, &hook.secret, "issues", "d", &body);
        assert_eq!(known.send().await.unwrap().status(), StatusCode::OK, "what is signed rightly is taken");

        db.execute("alter table elsewhere rename to counters").await;
        assert_eq!(send(&unknown).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(send(&hook.url).await.status(), StatusCode::UNAUTHORIZED);
        app.stop().await;
    }
}
