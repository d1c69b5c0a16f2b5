//! Defects that systems of this kind are known for, in polling, scheduling and runs. Each
//! test shows that Triggerhouse does not have one of them; its comment names the defect.

use super::*;
use std::time::Duration;
use triggerhouse::lock::{Acquired, Locks};
use triggerhouse_tests::{eventually, redis};

on_both! {
    /// Defect: a deleted trigger is polled forever, and a changed one at both times.
    async fn a_group_has_one_next_poll_and_none_without_triggers(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let mut app = start(db, &gmail).await;
        let integration = integration(&mut app).await;
        let id = trigger(&mut app, &integration, json!({"cron": "0 0 1 1 *"})).await;
        polled_since(&mut app, &json!({})).await;
        let path = format!("/v1/triggers/{id}");
        for cron in ["0 0 2 1 *", "0 0 3 1 *"] {
            app.call("acme", Method::PATCH, &path, Some(json!({"cron": cron}))).await;
            let due = text(&group(&mut app).await["next_due_at"]);
            assert!(due.contains(&format!("-01-0{}T00:00:00", &cron[4..5])), "{due}");
        }
        app.call("acme", Method::DELETE, &path, None).await;
        assert!(app.all("acme", "/v1/poll-groups").await.is_empty());
        assert_eq!(app.app.store.next_poll_due().await.unwrap(), None);
        assert_eq!(gmail.with(|gmail| gmail.calls.profile), 1);
        app.stop().await;
    }

    /// Defect: the event of a mail lacks the title that a run needs.
    async fn the_subject_of_a_mail_is_the_title_of_its_event_and_message(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let mut app = start(db, &gmail).await;
        let integration = integration(&mut app).await;
        trigger(&mut app, &integration, json!({"poll_interval_seconds": 3600})).await;
        polled_since(&mut app, &json!({})).await;
        gmail.receive(1, "Lunch?");
        poll(&mut app).await;
        let claim = json!({"max": 9, "lease_seconds": 60, "wait_seconds": 20});
        let claimed = app.post("acme", "/v1/outbox/claim", claim).await;
        assert_eq!(claimed["items"][0]["payload"]["event_title"], "Lunch? 0");
        let run = text(&claimed["items"][0]["payload"]["run_id"]);
        assert_eq!(app.get("acme", &format!("/v1/runs/{run}")).await["run"]["status"], "queued");
        app.stop().await;
    }

    /// Defect: a scheduled event names the tick before its own.
    async fn a_scheduled_event_names_its_own_tick(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let body = json!({"name": "t", "kind": "scheduled", "cron": "0 9 * * *", "missed_ticks": "last"});
        app.post("acme", "/v1/triggers", body).await;
        // The 20th of November 2026 at nine: a tick that has not been fired.
        db.execute("update triggers set due_at = 1795165200000000").await;
        eventually("a tick", async || !app.all("acme", "/v1/events?status=queued").await.is_empty()).await;
        let events = app.all("acme", "/v1/events?status=queued").await;
        let tick = text(&events[0]["occurred_at"]);
        let created = text(&events[0]["created_at"]);
        assert!(tick.ends_with("T09:00:00.000000Z") && tick < created, "{tick}, {created}");
        // The event has the last tick, not the one before.
        let day_later = db.number("select due_at from triggers").await;
        let of_event = db.number("select occurred_at from events where status = 'queued'").await;
        assert_eq!(day_later - of_event, 86_400_000_000);
        app.stop().await;
    }

    /// Defect: the run of a skipped event goes on.
    async fn a_skip_ends_the_run_and_withdraws_its_message(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let body = json!({"name": "by hand"});
        let automation = app.post("acme", "/v1/automations", body).await;
        let run = format!("/v1/automations/{}/run", text(&automation["automation"]["id"]));
        let started = app.post("acme", &run, json!({})).await;
        let event = format!("/v1/events/{}", text(&started["event"]["id"]));
        app.post("acme", &format!("{event}/skip"), Value::Null).await;
        let after = app.get("acme", &event).await;
        assert_eq!((&after["event"]["status"], &after["run"]["status"]), (&json!("skipped"), &json!("cancelled")));
        let claim = json!({"max": 9, "lease_seconds": 60});
        assert_eq!(app.post("acme", "/v1/outbox/claim", claim).await, json!({"items": []}));
        app.stop().await;
    }

    /// Defect: a slow poll loses its lock to a second one, and each releases the other's.
    async fn a_slow_poll_keeps_its_claim_and_its_lock(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let settings = QUICK.replace("[polling]\n", "[polling]\nlease_seconds = 1\n");
        let redis_url = redis::shared();
        let settings = format!("redis_url = '{redis_url}'\n{settings}{}", gmail.provider());
        let mut app = TestApp::start_with(db, &settings).await;
        let integration = integration(&mut app).await;
        trigger(&mut app, &integration, json!({"poll_interval_seconds": 3600})).await;
        polled_since(&mut app, &json!({})).await;
        gmail.receive(1, "Mail");
        gmail.hold_after(0);
        let before = group(&mut app).await;
        app.post("acme", &format!("/v1/poll-groups/{}/poll-now", text(&before["id"])), json!({})).await;
        gmail.held().await;
        let lease = "select lease_until from poll_groups";
        let first = db.number(lease).await;
        eventually("three leases", async || db.number(lease).await > first + 2_000_000).await;
        // The lock is renewed together with the claim.
        let locks = Locks::new(&redis_url).unwrap();
        let id = text(&before["id"]);
        let taken = locks.acquire(&id, Duration::from_millis(1)).await;
        assert!(matches!(taken, Acquired::Busy), "{taken:?}");
        // A poll that is requested now runs after this one.
        app.post("acme", &format!("/v1/poll-groups/{}/poll-now", text(&before["id"])), json!({})).await;
        assert_eq!(gmail.arrived() - gmail.with(|gmail| gmail.log.len() as u64), 1);
        gmail.release();
        eventually("two polls", async || gmail.with(|gmail| gmail.calls.profile) == 3).await;
        assert_eq!(db.number("select epoch from poll_groups").await, 3);
        assert_eq!(app.all("acme", "/v1/events").await.len(), 1);
        app.stop().await;
    }

    /// Defect: a polling trigger of an existing automation has no group, and a change may
    /// name a foreign integration, one of another provider, or an invalid configuration.
    async fn a_trigger_of_an_existing_automation_is_polled_and_its_changes_are_checked(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let mut app = start(db, &gmail).await;
        let integration = integration(&mut app).await;
        let automation = app.post("acme", "/v1/automations", json!({"name": "a"})).await;
        let path = format!("/v1/automations/{}/triggers", text(&automation["automation"]["id"]));
        let body = json!({"name": "t", "kind": "polling", "provider": "gmail", "integration_id": integration});
        let id = text(&app.post("acme", &path, body).await["trigger"]["id"]);
        polled_since(&mut app, &json!({})).await;
        let github = app.post("acme", "/v1/integrations", json!({"provider": "github"})).await;
        let foreign = app.post("other", "/v1/integrations", json!({"provider": "gmail"})).await;
        for (change, pointer) in [
            (json!({"integration_id": github["integration"]["id"]}), "/integration_id"),
            (json!({"integration_id": foreign["integration"]["id"]}), "/integration_id"),
            (json!({"integration_id": null}), "/integration_id"),
            (json!({"config": {"subject": 7}}), "/config/subject"),
        ] {
            let response = app.call("acme", Method::PATCH, &format!("/v1/triggers/{id}"), Some(change)).await;
            assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
            let problem: Value = response.json().await.unwrap();
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        }
        assert_eq!(group(&mut app).await["integration_id"], integration);
        app.stop().await;
    }

    /// Defect: the service is asked for everything, whatever the triggers filter.
    async fn the_filters_of_triggers_reach_the_service(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let mut app = start(db, &gmail).await;
        let integration = integration(&mut app).await;
        for label in ["IMPORTANT", "important"] {
            let config = json!({"poll_interval_seconds": 3600, "config": {"labels": [label]}});
            trigger(&mut app, &integration, config).await;
        }
        polled_since(&mut app, &json!({})).await;
        gmail.receive(5, "Mail");
        poll(&mut app).await;
        let asked = gmail.with(|gmail| gmail.log.iter().any(|line| line.contains("labelId=IMPORTANT")));
        assert!(asked);
        assert_eq!(gmail.with(|gmail| gmail.calls.get), 0, "no trigger wants any of it");
        app.stop().await;
    }

    /// Defect: triggers have fields of an earlier kind of polling.
    async fn a_trigger_has_one_field_about_polling(db: &TestDb) {
        let mut app = TestApp::start_with(db, "roles = ['api']").await;
        let integration = integration(&mut app).await;
        let id = trigger(&mut app, &integration, json!({})).await;
        let trigger = app.get("acme", &format!("/v1/triggers/{id}")).await;
        let fields = trigger.as_object().unwrap();
        let of_polls: Vec<&String> = fields.keys().filter(|key| key.contains("poll")).collect();
        assert_eq!(of_polls, ["poll_interval_seconds"]);
        assert_eq!(fields["poll_interval_seconds"], 60);
        assert!(group(&mut app).await["cursor_at"].is_null());
        app.stop().await;
    }
}
