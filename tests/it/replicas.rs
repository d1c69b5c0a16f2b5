//! Several hosts on one database.

use serde_json::json;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use triggerhouse_tests::app::text;
use triggerhouse_tests::{Kind, TestApp, TestDb, github};

const DELIVERIES: u64 = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hosts_on_one_postgres_share_the_work_and_repeat_none() {
    let db = TestDb::create(Kind::Postgres).await;
    db.store().await.close().await;
    // A database trigger records which host made each claim, by a setting of its connections.
    db.execute(
        "create table claims (host text not null);
         create function note() returns trigger language plpgsql as
             $$ begin insert into claims values (current_setting('test.host')); return new; end $$;
         create trigger note after update on inbox_queue for each row
             when (new.attempt > old.attempt) execute function note()",
    )
    .await;
    let small = |host: &str| {
        let url = format!("{}?options[test.host]={host}", db.url);
        format!("database_url = '{url}'\n[inbox]\nin_flight_max = 8\npoll_ms = 50")
    };
    let mut one = TestApp::start_with(&db, &small("one")).await;
    let two = TestApp::start_with(&db, &small("two")).await;
    let hook = one.hook("acme", "github", json!({})).await;
    let sent = (0..DELIVERIES).map(|number| {
        let (app, other) = if number % 2 == 0 {
            (&one, &one)
        } else {
            (&two, &one)
        };
        let url = hook.url.replace(&other.url, &app.url);
        let body = github::issue("opened", number);
        let request = github::delivery(
            &app.http,
            &url,
            &hook.secret,
            "issues",
            &format!("d-{number}"),
            &body,
        );
        tokio::spawn(async move { request.send().await.unwrap().status() })
    });
    for status in sent.collect::<Vec<_>>() {
        assert_eq!(status.await.unwrap(), 200);
    }
    one.settled().await;
    let events = one.all("acme", "/v1/events").await;
    let keys: HashSet<_> = events
        .iter()
        .map(|event| text(&event["dedup_key"]))
        .collect();
    assert_eq!(
        (events.len() as u64, keys.len() as u64),
        (DELIVERIES, DELIVERIES)
    );
    assert_eq!(one.all("acme", "/v1/runs").await.len() as u64, DELIVERIES);
    let inbox = one.all("acme", "/v1/inbox").await;
    assert!(
        inbox.iter().all(|delivery| delivery["attempt"] == 1),
        "each was claimed once"
    );
    let mut total = 0;
    for host in ["one", "two"] {
        let claims = format!("select count(*) from claims where host = '{host}'");
        let claims = db.number(&claims).await;
        assert!(claims > 0, "host {host} did nothing");
        total += claims;
    }
    assert_eq!(total as u64, DELIVERIES);
    one.stop().await;
    two.stop().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ingress_replica_wakes_a_worker_replica() {
    let db = TestDb::create(Kind::Postgres).await;
    let slow = "[inbox]\npoll_ms = 600000";
    let mut door = TestApp::start_with(&db, &format!("roles = ['ingress', 'api']\n{slow}")).await;
    let worker = TestApp::start_with(&db, &format!("roles = ['workers']\n{slow}")).await;
    let hook = door.hook("acme", "github", json!({})).await;
    for number in 0..5 {
        let body = github::issue("opened", number);
        github::delivery(
            &door.http,
            &hook.url,
            &hook.secret,
            "issues",
            &format!("d-{number}"),
            &body,
        )
        .send()
        .await
        .unwrap();
        let claim = json!({"max": 1, "lease_seconds": 30, "wait_seconds": 20});
        let claimed = door.post("acme", "/v1/outbox/claim", claim).await;
        assert_eq!(claimed["items"].as_array().unwrap().len(), 1);
    }
    door.stop().await;
    worker.stop().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_wakes_a_consumer_that_waits_on_another_replica() {
    // A waiting consumer polls every second; a signal brings its answer sooner.
    const LOOK_PAUSE: Duration = Duration::from_secs(1);
    let db = TestDb::create(Kind::Postgres).await;
    let mut door = TestApp::start(&db).await;
    let mut desk = TestApp::start_with(&db, "roles = ['api']").await;
    let hook = door.hook("acme", "github", json!({})).await;
    desk.key("acme").await;
    let mut took = Vec::new();
    for number in 0..7 {
        let claim = json!({"max": 1, "lease_seconds": 30, "wait_seconds": 20});
        let began = Instant::now();
        let waits = desk.post("acme", "/v1/outbox/claim", claim);
        let sends = async {
            // By now the consumer waits. If it does not, the test passes more easily.
            tokio::time::sleep(Duration::from_millis(100)).await;
            let body = github::issue("opened", number);
            let id = format!("d-{number}");
            let sent = github::delivery(&door.http, &hook.url, &hook.secret, "issues", &id, &body);
            assert_eq!(sent.send().await.unwrap().status(), 200);
        };
        let (claimed, ()) = tokio::join!(waits, sends);
        took.push(began.elapsed());
        assert_eq!(claimed["items"].as_array().unwrap().len(), 1);
    }
    took.sort_unstable();
    assert!(took[took.len() / 2] < LOOK_PAUSE / 2, "{took:?}");
    door.stop().await;
    desk.stop().await;
    db.remove().await;
}
