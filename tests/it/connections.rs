//! The connections of a process: each part has its own, each tenant its part, and nothing
//! runs on after it was given up.

use reqwest::{Method, StatusCode};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use triggerhouse_tests::app::text;
use triggerhouse_tests::db::release;
use triggerhouse_tests::{Kind, TestApp, TestDb, eventually, github};

/// The path of a list that waits for a lock on the table of schedules.
async fn slow_path(app: &mut TestApp, org: &str) -> String {
    let name = json!({"name": "slow"});
    let automation = app.post(org, "/v1/automations", name).await;
    let id = text(&automation["automation"]["id"]);
    format!("/v1/automations/{id}/schedules")
}

/// Calls that an organization makes at the same time.
async fn calls(app: &mut TestApp, org: &str, path: &str, count: usize) -> Calls {
    let (url, key) = (format!("{}{path}", app.url), app.key(org).await);
    let call = |_| {
        let request = app.http.get(&url).bearer_auth(&key);
        tokio::spawn(async move { request.send().await.unwrap().status() })
    };
    (0..count).map(call).collect()
}

type Calls = Vec<JoinHandle<StatusCode>>;

const WAITING: &str = "select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'";
const LOCK: &str = "lock table schedules in access exclusive mode";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_calls_of_the_api_delay_no_webhook_and_no_run() {
    let db = TestDb::create(Kind::Postgres).await;
    let mut app = TestApp::start_with(&db, "database_connections_max = 16").await;
    let hook = app.hook("acme", "github", json!({})).await;
    let key = app.key("other").await;
    // Two organizations, so that all connections of /v1 are taken.
    let first = slow_path(&mut app, "acme").await;
    let second = slow_path(&mut app, "second").await;
    let held = db.hold(LOCK).await;
    let mut slow = calls(&mut app, "acme", &first, 10).await;
    slow.extend(calls(&mut app, "second", &second, 10).await);
    eventually("all connections of the API to wait", async || {
        db.number(WAITING).await == 6
    })
    .await;

    let begun = Instant::now();
    for number in 0..5 {
        let body = github::issue("opened", 1);
        let id = format!("d-{number}");
        let request = github::delivery(&app.http, &hook.url, &hook.secret, "issues", &id, &body);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    }
    app.settled().await;
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(db.number("select count(*) from runs").await, 5);
    let ready = app
        .http
        .get(format!("{}/readyz", app.url))
        .send()
        .await
        .unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
    let metrics = app
        .http
        .get(format!("{}/metrics", app.url))
        .send()
        .await
        .unwrap();
    assert!(
        metrics
            .text()
            .await
            .unwrap()
            .contains("\ntriggerhouse_database_up 1\n")
    );
    // All connections of /v1 are taken, so a third organization is told to come back.
    let late = app
        .http
        .get(format!("{}/v1/automations", app.url))
        .bearer_auth(&key);
    assert_eq!(
        late.send().await.unwrap().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );

    release(held).await;
    for call in slow {
        let status = call.await.unwrap();
        let given_up = [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::TOO_MANY_REQUESTS,
        ];
        assert!(
            status == StatusCode::OK || given_up.contains(&status),
            "{status}"
        );
    }
    app.stop().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_calls_of_one_tenant_leave_connections_to_others() {
    let db = TestDb::create(Kind::Postgres).await;
    let mut app = TestApp::start_with(&db, "database_connections_max = 16").await;
    app.key("other").await;
    let path = slow_path(&mut app, "acme").await;
    let held = db.hold(LOCK).await;
    let slow = calls(&mut app, "acme", &path, 20).await;
    eventually("the tenant's part to wait", async || {
        db.number(WAITING).await == 4
    })
    .await;
    for _ in 0..10 {
        let begun = Instant::now();
        app.get("other", "/v1/automations").await;
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
    }
    let mut refused = 0;
    for call in slow {
        match call.await.unwrap() {
            // Given up by the limit of a lock, 10 s.
            StatusCode::SERVICE_UNAVAILABLE => {}
            status => {
                assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 16);
    release(held).await;
    app.get("acme", "/v1/automations").await;
    app.stop().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_hangs_up_holds_no_more_than_its_part() {
    let db = TestDb::create(Kind::Postgres).await;
    let mut app = TestApp::start_with(&db, "database_connections_max = 16").await;
    app.key("other").await;
    let path = slow_path(&mut app, "acme").await;
    let held = db.hold(LOCK).await;
    let slow = calls(&mut app, "acme", &path, 4).await;
    eventually("calls that wait", async || db.number(WAITING).await == 4).await;
    slow.iter().for_each(JoinHandle::abort);
    // The statements run on, and so the tenant has no connection left.
    let [next] = <[_; 1]>::try_from(calls(&mut app, "acme", "/v1/automations", 1).await).unwrap();
    for _ in 0..10 {
        app.get("other", "/v1/automations").await;
    }
    assert!(!next.is_finished());
    release(held).await;
    assert_eq!(next.await.unwrap(), StatusCode::OK);
    app.stop().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_runs_on_after_it_was_given_up() {
    let db = TestDb::create(Kind::Postgres).await;
    let settings = "database_answer_seconds_max = 1";
    let mut app = TestApp::start_with(&db, settings).await;
    let path = slow_path(&mut app, "acme").await;
    let held = db.hold(LOCK).await;
    for round in 0..3 {
        for call in calls(&mut app, "acme", &path, 10).await {
            let status = call.await.unwrap();
            assert!(
                [
                    StatusCode::SERVICE_UNAVAILABLE,
                    StatusCode::TOO_MANY_REQUESTS
                ]
                .contains(&status),
                "{round}: {status}"
            );
        }
        let connected = "select count(*) from pg_stat_activity
            where datname = current_database() and application_name = 'triggerhouse'";
        assert!(db.number(connected).await <= 8);
        eventually("an end of what was given up", async || {
            db.number(WAITING).await == 0
        })
        .await;
    }
    release(held).await;
    app.stop().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_have_their_settings_whatever_the_defaults_are() {
    let db = TestDb::create(Kind::Postgres).await;
    let name = db.url.rsplit_once('/').unwrap().1.to_owned();
    for setting in [
        "default_transaction_isolation = 'serializable'",
        "synchronous_commit = 'off'",
        "statement_timeout = 0",
        "lock_timeout = 0",
    ] {
        db.execute(&format!("alter database {name} set {setting}"))
            .await;
    }
    let mut app = TestApp::start(&db).await;
    let hook = app.hook("acme", "github", json!({})).await;
    db.execute(
        "create table seen (settings text);
         create function see() returns trigger language plpgsql as $$ begin
            insert into seen select concat_ws(' ', current_setting('transaction_isolation'),
                current_setting('synchronous_commit'), current_setting('statement_timeout'),
                current_setting('lock_timeout'));
            return new; end $$;
         create trigger see after insert on inbox for each row execute function see()",
    )
    .await;
    let body = github::issue("opened", 1);
    let request = github::delivery(&app.http, &hook.url, &hook.secret, "issues", "d", &body);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    let seen = db.texts("select settings from seen").await;
    assert_eq!(seen, ["read committed on 20s 10s"]);
    app.stop().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_of_sqlite_has_a_time_limit_and_delays_no_worker() {
    let db = TestDb::create(Kind::Sqlite).await;
    let mut app = TestApp::start_with(&db, "database_answer_seconds_max = 2").await;
    let hook = app.hook("acme", "github", json!({})).await;
    let path = slow_path(&mut app, "acme").await;
    app.post("acme", &path, json!({"cron": "0 0 1 1 *"})).await;
    // A table whose every read goes on for ever.
    db.execute(
        "alter table schedules rename to schedules_kept;
         create view schedules as with recursive n(x) as (select 1 union all select x + 1 from n)
            select schedules_kept.* from schedules_kept, n where n.x < 0",
    )
    .await;
    let begun = Instant::now();
    let slow = calls(&mut app, "acme", &path, 8).await;
    let body = github::issue("opened", 1);
    let request = github::delivery(&app.http, &hook.url, &hook.secret, "issues", "d", &body);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    eventually("a run", async || {
        db.number("select count(*) from runs").await == 1
    })
    .await;
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    for call in slow {
        assert_eq!(call.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
    }
    let again = app.call("acme", Method::GET, "/v1/automations", None).await;
    assert_eq!(
        again.status(),
        StatusCode::OK,
        "its connections are of use again"
    );
    app.stop().await;
    db.remove().await;
}
