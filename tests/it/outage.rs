//! Crashes and restarts of the database.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use triggerhouse_tests::app::{Hook, text};
use triggerhouse_tests::private_postgres::PrivatePostgres;
use triggerhouse_tests::receiver::{Answer, Receiver};
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

/// Sends one delivery until it is accepted, as a service does after a 503.
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

/// Sends from several services at the same time, and counts accepted deliveries.
fn burst(app: &TestApp, hook: &Arc<Hook>) -> (Vec<JoinHandle<()>>, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let senders = (0..SENDERS).map(|sender| {
        let (http, hook, taken) = (app.http.clone(), Arc::clone(hook), Arc::clone(&taken));
        tokio::spawn(async move {
            for number in 0..DELIVERIES {
                let id = format!("d-{sender}-{number}");
                send_until_taken(http.clone(), Arc::clone(&hook), id).await;
                taken.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    (senders.collect(), taken)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_crashes_in_a_burst_loses_nothing_and_doubles_nothing() {
    let server = PrivatePostgres::start().await;
    let db = TestDb::of_server(&server.url);
    let mut app = TestApp::start(&db).await;
    let hook = Arc::new(app.hook("acme", "github", json!({})).await);
    let (senders, taken) = burst(&app, &hook);
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

    // The host recovers without help.
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
async fn sinks_get_every_message_despite_crashes_of_postgres() {
    let server = PrivatePostgres::start().await;
    let db = TestDb::of_server(&server.url);
    let receiver = Receiver::answering(Answer::Slow(Duration::from_millis(5))).await;
    let settings = format!(
        "[sinks]\nallow_hosts = ['{}']\npoll_ms = 20\nretry_base_ms = 20\nretry_max_ms = 50\n\
         timeout_ms = 500\nlease_seconds = 2",
        receiver.address
    );
    let mut app = TestApp::start_with(&db, &settings).await;
    let sink = json!({"kind": "http", "url": receiver.url()});
    app.post("acme", "/v1/sinks", sink).await;
    let hook = Arc::new(app.hook("acme", "github", json!({})).await);
    let (senders, _) = burst(&app, &hook);
    let sent = SENDERS * DELIVERIES;
    for crash in 1..=2 {
        let enough = crash * sent / 4;
        eventually("messages under way", async || receiver.count() >= enough).await;
        server.crash().await;
    }
    for sender in senders {
        sender.await.unwrap();
    }
    app.settled().await;
    eventually("an empty outbox", async || {
        let left = "select count(*) from outbox where status <> 'dispatched'";
        db.number(left).await == 0
    })
    .await;
    let runs = app.all("acme", "/v1/runs").await;
    let messages: HashSet<String> = runs
        .iter()
        .map(|run| text(&run["id"]).replace("run_", "out_"))
        .collect();
    assert_eq!(messages.len(), sent);
    assert_eq!(receiver.ids(), messages, "each is handed over");
    let received = receiver.received();
    let attempts: HashSet<(String, String)> = received
        .iter()
        .map(|one| (one.id(), one.header("triggerhouse-attempt").to_owned()))
        .collect();
    assert_eq!(attempts.len(), received.len(), "no attempt twice");
    assert!(
        received.iter().all(|one| !one.overlaps),
        "nor two at a time"
    );
    app.stop().await;
}

/// One replica accepts deliveries and hands runs over, another one processes. Workers poll
/// less often than a test may last, so only signals bring a run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_wake_each_other_again_after_postgres_has_crashed() {
    let server = PrivatePostgres::start().await;
    let db = TestDb::of_server(&server.url);
    let looks = "[inbox]\npoll_ms = 600000\n[outbox]\nwait_seconds_max = 300";
    let at_the_door = format!("roles = ['ingress', 'api']\n{looks}");
    let mut door = TestApp::start_with(&db, &at_the_door).await;
    let work = TestApp::start_with(&db, &format!("roles = ['workers']\n{looks}")).await;
    let hook = Arc::new(door.hook("acme", "github", json!({})).await);
    for round in 0..3 {
        if round > 0 {
            server.crash().await;
        }
        // The poll after a reconnect may find the first one; signals bring the others.
        for number in 0..3 {
            let id = format!("d-{round}-{number}");
            send_until_taken(door.http.clone(), Arc::clone(&hook), id).await;
            let claim = json!({"max": 10, "lease_seconds": 600, "wait_seconds": 300});
            let claimed = loop {
                let path = "/v1/outbox/claim";
                let answer = door
                    .call("acme", Method::POST, path, Some(claim.clone()))
                    .await;
                // The connection broke during the crash.
                if answer.status() == StatusCode::OK {
                    break answer.json::<Value>().await.unwrap();
                }
                assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            };
            assert_eq!(
                claimed["items"].as_array().unwrap().len(),
                1,
                "{round}-{number}"
            );
        }
    }
    work.stop().await;
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_end_in_time_while_the_database_does_not_answer() {
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
    async fn an_unknown_route_is_not_404_while_the_database_is_away(db: &TestDb) {
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
