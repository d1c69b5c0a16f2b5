//! Scheduled triggers that are deleted, or whose cron can no longer be read.

use crate::scheduler::{LIMITS, NO_SCHEDULER, scheduled};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use triggerhouse::clock;
use triggerhouse_tests::app::text;
use triggerhouse_tests::{TestApp, TestDb, on_both};

const MINUTE: i64 = 60_000_000;

/// Simulates five minutes without a scheduler.
async fn five_minutes_pass(db: &TestDb) {
    let due = clock::now().0 / MINUTE * MINUTE - 5 * MINUTE;
    db.execute(&format!("update triggers set due_at = {due}"))
        .await;
}

async fn runs(db: &TestDb, trigger: &Value) -> i64 {
    let id: triggerhouse::domain::TriggerId = text(&trigger["trigger"]["id"]).parse().unwrap();
    let id = id.0;
    // SQLite stores an id as bytes.
    let is_it = if db.url.starts_with("sqlite") {
        format!("hex(trigger_id) = '{:X}'", id.simple())
    } else {
        format!("trigger_id = '{id}'")
    };
    db.number(&format!("select count(*) from runs where {is_it}"))
        .await
}

on_both! {
    async fn due_ticks_are_fired_before_their_trigger_is_deleted(db: &TestDb) {
        let mut app = TestApp::start_with(db, NO_SCHEDULER).await;
        let every_minute = json!({"cron": "* * * * *", "missed_ticks": "all"});
        let deleted = scheduled(&mut app, "acme", every_minute.clone()).await;
        let off = scheduled(&mut app, "acme", every_minute.clone()).await;
        let path = |trigger: &Value| format!("/v1/triggers/{}", text(&trigger["trigger"]["id"]));
        app.call("acme", Method::PATCH, &path(&off), Some(json!({"enabled": false}))).await;

        let automation = app.post("acme", "/v1/automations", json!({"name": "a"})).await;
        let automation = format!("/v1/automations/{}", text(&automation["automation"]["id"]));
        let schedules = format!("{automation}/schedules");
        let schedule = app.post("acme", &schedules, json!({"cron": "* * * * *"})).await;
        let id = automation.rsplit('/').next().unwrap();
        let mut of_automation = Vec::new();
        for clock in [every_minute, json!({"schedule_id": schedule["schedule"]["id"], "missed_ticks": "all"})] {
            let mut clock = clock;
            clock["automation_id"] = id.into();
            of_automation.push(scheduled(&mut app, "acme", clock).await);
        }

        five_minutes_pass(db).await;
        for path in [path(&deleted), path(&off), automation] {
            let answer = app.call("acme", Method::DELETE, &path, None).await;
            assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{path}");
            let again = app.call("acme", Method::DELETE, &path, None).await;
            assert_eq!(again.status(), StatusCode::NOT_FOUND, "{path}");
        }
        for trigger in of_automation.iter().chain([&deleted]) {
            // The sixth tick is that of the current minute, the seventh that of the next one.
            let runs = runs(db, trigger).await;
            assert!((6..=7).contains(&runs), "{runs} of {trigger}");
        }
        assert_eq!(runs(db, &off).await, 0, "it was disabled");
        let handed_over = db.number("select count(*) from outbox").await;
        assert_eq!(handed_over, db.number("select count(*) from runs").await);
        assert_eq!(app.app.store.next_tick().await.unwrap(), None);
        app.stop().await;
    }

    async fn a_tick_that_a_deletion_fires_wakes_consumers(db: &TestDb) {
        // A consumer polls each second, so its answer must come well before that.
        const LOOK_PAUSE: Duration = Duration::from_secs(1);
        let mut app = TestApp::start_with(db, NO_SCHEDULER).await;
        let key = app.key("acme").await;
        let claim = json!({"max": 1, "lease_seconds": 30, "wait_seconds": 20});
        let claim = app.http.post(format!("{}/v1/outbox/claim", app.url)).bearer_auth(key).json(&claim);
        for of_automation in [false, true] {
            let mut took = Vec::new();
            for _ in 0..3 {
                let created = scheduled(&mut app, "acme", json!({"cron": "* * * * *"})).await;
                let trigger = &created["trigger"];
                let path = if of_automation {
                    format!("/v1/automations/{}", text(&trigger["automation_id"]))
                } else {
                    format!("/v1/triggers/{}", text(&trigger["id"]))
                };
                let due = clock::now().0 / MINUTE * MINUTE;
                db.execute(&format!("update triggers set due_at = {due} where deleted_at is null")).await;
                let began = Instant::now();
                let waits = claim.try_clone().unwrap().send();
                let deletes = async {
                    // The consumer has polled once and waits by then. If not, the test is
                    // only easier to pass.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    app.call("acme", Method::DELETE, &path, None).await;
                };
                let (claimed, ()) = tokio::join!(waits, deletes);
                took.push(began.elapsed());
                let claimed: Value = claimed.unwrap().json().await.unwrap();
                assert_eq!(claimed["items"].as_array().unwrap().len(), 1, "{path}");
            }
            took.sort_unstable();
            assert!(took[took.len() / 2] < LOOK_PAUSE / 2, "{took:?}");
        }
        app.stop().await;
    }

    async fn an_unreadable_cron_is_shown_and_can_be_fixed(db: &TestDb) {
        let mut app = TestApp::start_with(db, NO_SCHEDULER).await;
        let created = scheduled(&mut app, "acme", json!({"cron": "0 * * * *"})).await;
        assert_eq!(created["trigger"]["cron_error"], Value::Null);
        let path = format!("/v1/triggers/{}", text(&created["trigger"]["id"]));
        // A later release of the time zone database may drop a zone.
        db.execute("update triggers set timezone = 'Asia/Atlantis'").await;
        let due = app.app.store.next_tick().await.unwrap().unwrap();
        app.app.store.fire_due(due, LIMITS, 10).await.unwrap();

        for seen in [app.get("acme", &path).await, app.all("acme", "/v1/triggers").await.remove(0)] {
            let error = text(&seen["cron_error"]);
            assert!(error.contains("IANA time zone") && error.contains("Atlantis"), "{error}");
            assert_eq!(seen["next_tick_at"], Value::Null, "there is no next tick");
        }
        // The trigger can still be disabled and enabled, and the scheduler looks at it again.
        for enabled in [false, true] {
            let answer = app.call("acme", Method::PATCH, &path, Some(json!({"enabled": enabled}))).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(app.app.store.next_tick().await.unwrap().is_some(), enabled);
        }
        let answer = app.call("acme", Method::PATCH, &path, Some(json!({"timezone": "Asia/Tokyo"}))).await;
        let mended: Value = answer.json().await.unwrap();
        assert_eq!(mended["cron_error"], Value::Null);
        let due = app.app.store.next_tick().await.unwrap().unwrap();
        assert_eq!(mended["next_tick_at"], due.to_string());
        app.app.store.fire_due(due, LIMITS, 10).await.unwrap();
        assert_eq!(runs(db, &created).await, 1);
        app.stop().await;
    }
}
