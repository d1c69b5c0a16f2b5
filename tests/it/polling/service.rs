//! Failing services: the failure is visible, the requested pause is kept, and no message is
//! lost.

use super::*;
use std::time::Instant;
use triggerhouse_tests::eventually;
use triggerhouse_tests::gmail::{Draft, Fault};

/// Starts a host with one trigger and waits for its first poll.
async fn started(db: &TestDb, gmail: &GmailServer, more: &str) -> TestApp {
    let mut app = TestApp::start_with(db, &format!("{QUICK}{}{more}", gmail.provider())).await;
    let integration = integration(&mut app).await;
    trigger(
        &mut app,
        &integration,
        json!({"poll_interval_seconds": 3600}),
    )
    .await;
    polled_since(&mut app, &json!({})).await;
    app
}

async fn ask(app: &mut TestApp) {
    let id = text(&group(app).await["id"]);
    app.post("acme", &format!("/v1/poll-groups/{id}/poll-now"), json!({}))
        .await;
}

async fn titles(app: &mut TestApp) -> Vec<String> {
    let mut titles: Vec<String> = app
        .all("acme", "/v1/events")
        .await
        .iter()
        .map(|event| text(&event["title"]))
        .collect();
    titles.sort();
    titles
}

on_both! {
    async fn a_failing_service_is_polled_again_and_the_failure_is_visible(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let mut app = started(db, &gmail, "[egress]\ncall_ms = 300\n").await;
        gmail.receive(2, "Mail");
        let slow_enough = "retry_base_ms = 50";
        assert!(QUICK.contains(slow_enough));
        for fault in [Fault::Server(500), Fault::Server(503), Fault::Slow, Fault::Body(b"<html>".to_vec()), Fault::Forbidden("rateLimitExceeded"),
            Fault::TooManyRequests(Some("0".into()))] {
            let before = group(&mut app).await;
            gmail.with(|gmail| gmail.faults.extend(std::iter::repeat_n(Some(fault.clone()), 400)));
            ask(&mut app).await;
            let mut seen = Value::Null;
            eventually("a visible failure", async || {
                seen = group(&mut app).await;
                seen["failures"].as_i64() > Some(1)
            }).await;
            let error = text(&seen["last_error"]);
            assert!(!error.is_empty() && seen["last_error_at"].is_string(), "{seen}");
            gmail.with(|gmail| gmail.faults.clear());
            polled_since(&mut app, &before).await;
            let after = group(&mut app).await;
            assert_eq!((&after["failures"], &after["last_error"]), (&json!(0), &Value::Null), "{fault:?}");
        }
        assert_eq!(titles(&mut app).await, ["Mail 0", "Mail 1"]);
        app.stop().await;
    }

    async fn a_pause_that_a_service_asks_for_outranks_a_requested_poll(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let mut app = started(db, &gmail, "").await;
        gmail.receive(1, "Mail");
        let before = group(&mut app).await;
        gmail.with(|gmail| gmail.faults.push_back(Some(Fault::TooManyRequests(Some("3".into())))));
        let began = Instant::now();
        ask(&mut app).await;
        eventually("a pause", async || group(&mut app).await["rate_limited_until"].is_string()).await;
        let paused = group(&mut app).await;
        assert_eq!(paused["failures"], 0);
        assert!(text(&paused["last_error"]).contains("rate-limited"), "{paused}");
        let arrived = gmail.arrived();
        ask(&mut app).await;
        assert_eq!(group(&mut app).await["next_due_at"], paused["rate_limited_until"]);
        polled_since(&mut app, &before).await;
        assert!(began.elapsed().as_millis() >= 2_900, "the service had asked for 3 s");
        assert!(gmail.arrived() > arrived);
        assert_eq!(titles(&mut app).await, ["Mail 0"]);
        app.stop().await;
    }

    async fn messages_that_vanish_arrive_late_or_are_announced_twice_become_one_event_or_none(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let mut app = started(db, &gmail, "").await;
        let ids = gmail.receive(6, "Mail");
        // The profile and a page of the history, whose messages are gone when they are
        // fetched.
        gmail.hold_after(2);
        let before = group(&mut app).await;
        ask(&mut app).await;
        gmail.held().await;
        gmail.with(|gmail| {
            gmail.delete(&ids[1]);
            gmail.delete(&ids[4]);
            gmail.repeat(&ids[0]);
            let late = Draft { late_ms: 400, ..Draft::new("Ann <ann@example.com>", "Late") };
            gmail.receive(late);
        });
        gmail.release();
        polled_since(&mut app, &before).await;
        eventually("the late one", async || {
            poll(&mut app).await;
            titles(&mut app).await.contains(&"Late".to_owned())
        }).await;
        assert_eq!(titles(&mut app).await, ["Late", "Mail 0", "Mail 2", "Mail 3", "Mail 5"]);
        app.stop().await;
    }

    async fn an_expired_history_loses_nothing(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let mut app = started(db, &gmail, "").await;
        gmail.receive(3, "Seen");
        poll(&mut app).await;
        gmail.receive(4, "Unseen");
        gmail.with(triggerhouse_tests::gmail::Gmail::expire_history);
        gmail.receive(2, "After");
        poll(&mut app).await;
        let expected = ["After 0", "After 1", "Seen 0", "Seen 1", "Seen 2", "Unseen 0", "Unseen 1", "Unseen 2", "Unseen 3"];
        assert_eq!(titles(&mut app).await, expected);
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 9);
        app.stop().await;
    }

    async fn five_hundred_triggers_cost_one_call_per_due_time(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let mut app = TestApp::start_with(db, "roles = ['api']").await;
        let integration = integration(&mut app).await;
        for number in 0..500 {
            // Each trigger has a configuration of its own.
            let config = json!({"poll_interval_seconds": 3600, "config": {"from": [format!("{number}@example.com"), "ann@*"]}});
            trigger(&mut app, &integration, config).await;
        }
        app.stop().await;
        let mut app = start(db, &gmail).await;
        polled_since(&mut app, &json!({})).await;
        let mut calls = gmail.with(|gmail| gmail.calls);
        assert_eq!((calls.profile, group(&mut app).await["triggers"].as_i64()), (1, Some(500)));
        for due in 1..=3 {
            gmail.receive(1, "Mail");
            poll(&mut app).await;
            let now = gmail.with(|gmail| gmail.calls);
            assert_eq!((now.profile - calls.profile, now.history - calls.history, now.get - calls.get), (1, 1, 1));
            calls = now;
            let events = db.number("select count(*) from events where status = 'queued'").await;
            assert_eq!(events, due * 500);
        }
        app.stop().await;
    }
}
