//! Isolation between deliveries, and rows that a worker cannot read.

use reqwest::StatusCode;
use serde_json::{Value, json};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use triggerhouse_tests::app::{Hook, text};
use triggerhouse_tests::{Kind, TestApp, TestDb, eventually, github, on_both};

/// Sends a signed body to `echo`; returns the delivery's id.
async fn send(app: &TestApp, hook: &Hook, body: impl Into<Vec<u8>>) -> String {
    let body = body.into();
    let response = app
        .http
        .post(&hook.url)
        .header("x-echo-signature", github::signature(&hook.secret, &body))
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    text(&response.json::<Value>().await.unwrap()["id"])
}

fn told(what: &str) -> String {
    json!({ "do": what }).to_string()
}

fn event(key: &str) -> String {
    json!({"events": [{"dedup_key": key, "kind": "a", "title": "A title"}]}).to_string()
}

/// The UUID in a delivery's id, as a literal for the database.
fn literal(kind: Kind, id: &str) -> String {
    let id = id.parse::<triggerhouse::domain::DeliveryId>().unwrap();
    match kind {
        Kind::Sqlite => format!("x'{}'", id.0.simple()),
        Kind::Postgres => format!("'{}'", id.0),
    }
}

on_both! {
    async fn deliveries_that_occupy_all_instances_cost_the_others_no_attempt(db: &TestDb) {
        let mut app = TestApp::start_with(db, "[engine]\ninstances = 2\ncall_cpu_ms = 100\ncall_wall_ms = 300").await;
        let hook = app.hook("acme", "echo", json!({})).await;
        for _ in 0..30 {
            send(&app, &hook, told("loop")).await;
        }
        for number in 0..20 {
            send(&app, &hook, event(&format!("k{number}"))).await;
        }
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 20);
        for delivery in app.all("acme", "/v1/inbox?status=completed").await {
            assert_eq!(delivery["attempt"], 1, "{delivery}");
        }
        let failed = app.all("acme", "/v1/inbox?status=failed").await;
        assert_eq!(failed.len(), 30);
        for delivery in &failed {
            assert!(!text(&delivery["error"]).contains("no instance"), "{delivery}");
        }
        app.stop().await;
    }

    async fn a_delivery_without_an_instance_is_given_back_and_is_no_dead_letter(db: &TestDb) {
        // One hour of sleep occupies the only instance for longer than the others may wait,
        // and for more rounds than there are attempts.
        let mut app = TestApp::start_with(db, "
            [inbox]\nopen_seconds_max = 2\ndelivery_seconds_max = 1\nretry_seconds_max = 0\npoll_ms = 50
            [engine]\ninstances = 1\ncall_wall_ms = 5000").await;
        let hook = app.hook("acme", "echo", json!({})).await;
        for _ in 0..4 {
            send(&app, &hook, told("sleep")).await;
        }
        send(&app, &hook, event("k")).await;
        app.settled().await;
        let runs = app.all("acme", "/v1/runs").await;
        assert_eq!(runs.len(), 1);
        let completed = app.all("acme", "/v1/inbox?status=completed").await;
        assert_eq!(completed[0]["attempt"], 1, "{}", completed[0]);
        let failed = app.all("acme", "/v1/inbox?status=failed").await;
        assert_eq!(failed.len(), 4);
        for delivery in &failed {
            assert_eq!(delivery["error"], "the delivery took more than 1 s");
        }
        app.stop().await;
    }

    async fn deliveries_beyond_the_byte_limit_are_processed_one_by_one(db: &TestDb) {
        let limits = "[inbox]\nin_flight_bytes_max = 1\nsettle_events_max = 1\npoll_ms = 50";
        let mut app = TestApp::start_with(db, limits).await;
        let hook = app.hook("acme", "echo", json!({})).await;
        for number in 0..20 {
            send(&app, &hook, event(&format!("k{number}"))).await;
        }
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 20);
        app.stop().await;
    }

    async fn an_unreadable_row_waits_and_its_neighbors_settle(db: &TestDb) {
        let mut app = TestApp::start_with(db, "roles = ['ingress', 'api']").await;
        let hook = app.hook("acme", "echo", json!({})).await;
        let mut ids = Vec::new();
        for number in 0..5 {
            ids.push(send(&app, &hook, event(&format!("k{number}"))).await);
        }
        app.stop().await;
        for (id, change) in ids.iter().zip(["headers = 'nonsense'", "body_codec = 7", "route = 'side door'"]) {
            db.execute(&format!("update inbox set {change} where id = {}", literal(db.kind, id))).await;
        }
        let mut app = TestApp::start_with(db, "[inbox]\nwait_ms = 100").await;
        let waiting = "select count(*) from inbox_queue where attempt > 2";
        eventually("three looks at each", async || db.number(waiting).await == 3).await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 2);
        let store = db.store().await;
        for (id, column) in ids.iter().zip(["inbox.headers", "inbox.body_codec"]) {
            let delivery = store.delivery(&"acme".parse().unwrap(), id.parse().unwrap()).await.unwrap().unwrap();
            assert!(["pending", "processing"].contains(&delivery.status.as_str()));
            assert!(delivery.error.unwrap().starts_with(column));
            assert!(delivery.attempt < 2, "a look is no attempt");
        }
        // A version that can read them.
        db.execute("update inbox set headers = '[]' where headers = 'nonsense'").await;
        eventually("its run", async || db.number("select count(*) from runs").await == 3).await;
        store.close().await;
        app.stop().await;
    }

    async fn unreadable_recipients_of_one_delivery_keep_no_other_from_its_run(db: &TestDb) {
        let mut app = TestApp::start_with(db, "roles = ['ingress', 'api']").await;
        let body = json!({"provider": "echo", "secret": "s3cret"});
        let integration = text(&app.post("acme", "/v1/integrations", body).await["integration"]["id"]);
        let broken = Hook {
            trigger: String::new(),
            url: format!("{}/webhooks/direct/echo/{integration}", app.url),
            secret: "s3cret".into(),
        };
        let hook = app.hook("acme", "echo", json!({})).await;
        send(&app, &hook, event("k1")).await;
        let id = send(&app, &broken, event("k2")).await;
        send(&app, &hook, event("k3")).await;
        app.stop().await;
        db.execute("update integrations set status = 'nonsense'").await;
        let mut app = TestApp::start_with(db, "roles = ['workers', 'api']\n[inbox]\nwait_ms = 100").await;
        eventually("the others' runs", async || db.number("select count(*) from runs").await == 2).await;
        let broken = "select count(*) from inbox_queue where error like 'integrations.status%'";
        eventually("the reason why it waits", async || db.number(broken).await == 1).await;
        let delivery = &app.get("acme", &format!("/v1/inbox/{id}")).await["delivery"];
        assert!(text(&delivery["error"]).starts_with("integrations.status"), "{delivery}");
        db.execute("update integrations set status = 'active'").await;
        app.settled().await;
        app.stop().await;
    }

    async fn an_unreadable_account_is_a_dead_letter_and_an_unknown_one_is_not(db: &TestDb) {
        let app = TestApp::start(db).await;
        let hook = Hook {
            trigger: String::new(),
            url: format!("{}/webhooks/direct/echo", app.url),
            secret: "echo-app-secret".into(),
        };
        for body in ["{\"account\": \"a-", "{}", "{\"account\": \"nobody\"}", "{\"account\": \"other\"}"] {
            send(&app, &hook, body).await;
        }
        app.settled().await;
        // They have no owner, so only the operator sees them.
        let rows = db.texts("select status || ': ' || coalesce(error, outcome) from inbox order by id").await;
        assert!(rows[0].starts_with("failed: the account cannot be read from the body: EOF"), "{rows:?}");
        assert_eq!(rows[1], "completed: the delivery names no account");
        assert_eq!(rows[2], "completed: no integration has the account nobody");
        assert_eq!(rows[3], "completed: no integration has the account other");
        app.stop().await;
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&lines).into_owned()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Captures the log of all tests of this process. A log of one thread would miss messages
/// whose first occurrence is on another thread.
#[tokio::test]
async fn the_log_has_the_kind_of_a_failure_and_no_text_of_a_guest() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_env_filter("triggerhouse=debug")
        .with_writer(move || writer.clone())
        .init();
    let db = TestDb::create(Kind::Sqlite).await;
    let mut app = TestApp::start(&db).await;
    let hook = app.hook("acme", "echo", json!({})).await;
    // `echo` quotes an unknown command, and a panic writes to its standard error.
    let quoted = send(&app, &hook, told("a-word-of-the-body")).await;
    let trapped = send(&app, &hook, told("trap")).await;
    app.settled().await;
    for (id, word) in [(quoted, "a-word-of-the-body"), (trapped, "told to panic")] {
        let delivery = &app.get("acme", &format!("/v1/inbox/{id}")).await["delivery"];
        assert!(text(&delivery["error"]).contains(word), "{delivery}");
        let log = lines.text();
        assert!(log.contains(&id), "{log}");
        assert!(!log.contains(word), "{log}");
    }
    let log = lines.text();
    assert!(log.contains("error.kind=\"malformed\""), "{log}");
    assert!(log.contains("error.kind=\"trapped\""), "{log}");
    app.stop().await;
    db.remove().await;
}
