//! Failovers of Postgres: a server that takes no writes is away, however well it answers.

use reqwest::StatusCode;
use serde_json::json;
use std::time::{Duration, Instant};
use triggerhouse_tests::app::Hook;
use triggerhouse_tests::private_postgres::PrivatePostgres;
use triggerhouse_tests::wire::Wire;
use triggerhouse_tests::{TestApp, TestDb, eventually, github};

/// The longest time until a replica says that it is not ready.
const NOTICED_MAX: Duration = Duration::from_secs(1);
/// The longest time until it accepts deliveries again.
const BACK_MAX: Duration = Duration::from_secs(2);

/// A replica's answers: the status of `/readyz`, of a delivery, and whether `/metrics` calls
/// the database up.
struct Says {
    ready: StatusCode,
    delivery: StatusCode,
    is_up: bool,
}

async fn says(app: &TestApp, hook: &Hook, id: &str) -> Says {
    let get = async |path: &str| {
        let answer = app.http.get(format!("{}{path}", app.url)).send().await;
        answer.unwrap()
    };
    let body = github::issue("opened", 1);
    let delivery = github::delivery(&app.http, &hook.url, &hook.secret, "issues", id, &body);
    let delivery = delivery.send().await.unwrap().status();
    let ready = get("/readyz").await.status();
    let metrics = get("/metrics").await.text().await.unwrap();
    Says {
        ready,
        delivery,
        is_up: metrics.contains("\ntriggerhouse_database_up 1\n"),
    }
}

impl Says {
    fn is_well(&self) -> bool {
        self.ready == StatusCode::OK && self.delivery == StatusCode::OK && self.is_up
    }

    fn is_away(&self) -> bool {
        self.ready == StatusCode::SERVICE_UNAVAILABLE
            && self.delivery == StatusCode::SERVICE_UNAVAILABLE
            && !self.is_up
    }
}

async fn until(what: &str, app: &TestApp, hook: &Hook, check: fn(&Says) -> bool) -> Duration {
    let begun = Instant::now();
    eventually(what, async || check(&says(app, hook, what).await)).await;
    begun.elapsed()
}

/// No delivery used up an attempt for the outage, and each became a run.
async fn nothing_was_used_up(app: &TestApp, db: &TestDb) {
    app.settled().await;
    let failed = "select count(*) from inbox where status <> 'completed'";
    assert_eq!(db.number(failed).await, 0);
    let tries = "select count(*) from inbox where attempt - attempts_before > 1";
    assert_eq!(db.number(tries).await, 0);
    let lost = "select (select count(*) from inbox) - (select count(*) from runs)";
    assert_eq!(db.number(lost).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_no_writes_is_away_until_it_does() {
    let server = PrivatePostgres::start().await;
    let db = TestDb::of_server(&server.url);
    let mut app = TestApp::start(&db).await;
    let hook = app.hook("acme", "github", json!({})).await;
    for _ in 0..2 {
        assert!(says(&app, &hook, "before").await.is_well());
        server.set_read_only(true).await;
        let noticed = until("away", &app, &hook, Says::is_away).await;
        assert!(noticed < NOTICED_MAX, "{noticed:?}");
        let begun = Instant::now();
        assert!(says(&app, &hook, "still").await.is_away());
        assert!(
            begun.elapsed() < Duration::from_millis(500),
            "answered at once"
        );

        server.set_read_only(false).await;
        let back = until("back", &app, &hook, Says::is_well).await;
        assert!(back < BACK_MAX, "{back:?}");
    }
    nothing_was_used_up(&app, &db).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_follows_a_failover_to_a_standby() {
    let primary = PrivatePostgres::start().await;
    let standby = primary.standby().await;
    let wire = Wire::to(primary.address()).await;
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", wire.port);
    let (db, followed) = (TestDb::of_server(&url), TestDb::of_server(&standby.url));
    let mut app = TestApp::start(&db).await;
    let hook = app.hook("acme", "github", json!({})).await;
    for number in 0..20 {
        let id = format!("d-{number}");
        assert!(says(&app, &hook, &id).await.is_well());
    }
    app.settled().await;

    // The old primary lives on and answers; its address leads to the standby, which takes no
    // writes yet.
    primary.set_read_only(true).await;
    let written = db.texts("select pg_current_wal_lsn()::text").await[0].clone();
    let caught_up = format!("select (pg_last_wal_replay_lsn() >= '{written}')::int::bigint");
    eventually("a standby that has everything", async || {
        followed.number(&caught_up).await == 1
    })
    .await;
    wire.lead_to(standby.address());
    let noticed = until("away", &app, &hook, Says::is_away).await;
    assert!(noticed < NOTICED_MAX, "{noticed:?}");

    standby.promote().await;
    let back = until("back", &app, &hook, Says::is_well).await;
    assert!(back < BACK_MAX, "{back:?}");
    nothing_was_used_up(&app, &followed).await;
    // No connection stays with the old primary.
    let old = TestDb::of_server(&primary.url);
    let left = "select count(*) from pg_stat_activity where application_name = 'triggerhouse'";
    eventually("no connection to the old primary", async || {
        old.number(left).await == 0
    })
    .await;
    app.stop().await;
}
