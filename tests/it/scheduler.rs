//! Scheduled triggers, the schedules that they follow, and manual runs.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use triggerhouse::clock;
use triggerhouse::domain::Timestamp;
use triggerhouse::domain::schedule::FiringLimits;
use triggerhouse_tests::app::text;
use triggerhouse_tests::{TestApp, eventually, on_both};

pub const LIMITS: FiringLimits = FiringLimits {
    late: Duration::from_secs(60),
    missed_ticks_max: 10,
    events_max: 500,
};
/// Settings without a scheduler: the test fires the ticks.
pub const NO_SCHEDULER: &str = "roles = ['ingress', 'workers', 'api']";

fn time(text: &str) -> Timestamp {
    serde_json::from_value(json!(text)).unwrap()
}

pub async fn scheduled(app: &mut TestApp, org: &str, clock: Value) -> Value {
    let mut body = json!({"name": "Tick", "kind": "scheduled"});
    body.as_object_mut()
        .unwrap()
        .extend(clock.as_object().unwrap().clone());
    app.post(org, "/v1/triggers", body).await
}

async fn events(app: &mut TestApp) -> Vec<String> {
    let mut events: Vec<_> = app
        .all("acme", "/v1/events")
        .await
        .iter()
        .map(|event| {
            let reason = event["skip_reason"].as_str().unwrap_or("run");
            format!("{} {reason}", text(&event["occurred_at"]))
        })
        .collect();
    events.sort();
    events
}

async fn refused(app: &mut TestApp, method: Method, path: &str, body: Value) -> Vec<String> {
    let response = app.call("acme", method, path, Some(body.clone())).await;
    assert_eq!(
        response.status(),
        StatusCode::UNPROCESSABLE_ENTITY,
        "{body}"
    );
    let problem: Value = response.json().await.unwrap();
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| text(&error["pointer"])).collect()
}

on_both! {
    async fn a_scheduled_trigger_fires_and_its_run_is_handed_over(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let created = scheduled(&mut app, "acme", json!({"cron": "* * * * * *"})).await;
        assert_eq!(created["webhook_url"], Value::Null);
        assert_eq!(created["webhook_secret"], Value::Null);
        assert_eq!(created["trigger"]["timezone"], "UTC");
        assert_eq!(created["trigger"]["provider"], "scheduled");
        let claim = json!({"max": 1, "lease_seconds": 60, "wait_seconds": 20});
        let claimed = app.post("acme", "/v1/outbox/claim", claim).await;
        let event = text(&claimed["items"][0]["payload"]["event_id"]);
        let event = app.get("acme", &format!("/v1/events/{event}")).await["event"].clone();
        assert_eq!(event["kind"], "scheduled.tick");
        let tick = text(&event["occurred_at"]);
        assert_eq!(event["facts"]["fired_at"], tick.as_str());
        assert!(tick.ends_with(".000000Z"), "{tick}");
        let late = clock::now().micros_since(time(&tick));
        assert!((0..30_000_000).contains(&late), "{late} µs");
        app.stop().await;
    }

    async fn each_tick_fires_once_with_any_number_of_replicas(db: &TestDb) {
        let mut app = TestApp::start_with(db, NO_SCHEDULER).await;
        for _ in 0..20 {
            scheduled(&mut app, "acme", json!({"cron": "0 * * * *", "missed_ticks": "all"})).await;
        }
        let due = app.app.store.next_tick().await.unwrap().unwrap();
        let now = due + Duration::from_secs(1);
        let replicas = (0..4).map(|_| {
            let store = app.app.store.clone();
            tokio::spawn(async move {
                let mut runs = 0;
                for _ in 0..10 {
                    runs += store.fire_due(now, LIMITS, 3).await.unwrap().runs;
                }
                runs
            })
        });
        let mut runs = 0;
        for replica in replicas.collect::<Vec<_>>() {
            runs += replica.await.unwrap();
        }
        assert_eq!(runs, 20);
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 20);
        // A tick that is due again starts no second run.
        db.execute(&format!("update triggers set due_at = {}", due.0)).await;
        let again = app.app.store.fire_due(now, LIMITS, 100).await.unwrap();
        assert_eq!((again.triggers, again.runs), (20, 0));
        app.stop().await;
    }

    async fn missed_ticks_follow_the_policy_of_the_trigger(db: &TestDb) {
        let mut app = TestApp::start_with(db, NO_SCHEDULER).await;
        for (missed, expected) in [("skip", 1), ("last", 2), ("all", 4)] {
            let created = scheduled(&mut app, "acme", json!({"cron": "0 * * * *", "missed_ticks": missed})).await;
            let trigger = text(&created["trigger"]["id"]);
            let due = app.app.store.next_tick().await.unwrap().unwrap();
            let now = due + Duration::from_secs(3 * 3600 + 1);
            app.app.store.fire_due(now, LIMITS, 10).await.unwrap();
            let path = format!("/v1/events?trigger_id={trigger}&status=queued");
            assert_eq!(app.all("acme", &path).await.len(), expected, "{missed}");
            let skipped = app.all("acme", &format!("/v1/events?trigger_id={trigger}&status=skipped")).await;
            if missed == "all" {
                assert!(skipped.is_empty());
            } else {
                assert_eq!(skipped[0]["skip_reason"], "missed_tick");
                assert!(text(&skipped[0]["skip_detail"]).contains("missed"), "{skipped:?}");
            }
            let seen = app.get("acme", &format!("/v1/triggers/{trigger}")).await;
            assert_eq!(time(&text(&seen["next_tick_at"])), due + Duration::from_secs(4 * 3600));
            app.call("acme", Method::DELETE, &format!("/v1/triggers/{trigger}"), None).await;
        }
        assert_eq!(app.app.store.next_tick().await.unwrap(), None);
        app.stop().await;
    }

    async fn changes_take_effect_at_once(db: &TestDb) {
        let mut app = TestApp::start_with(db, NO_SCHEDULER).await;
        let created = scheduled(&mut app, "acme", json!({"cron": "0 0 1 1 *", "timezone": "Europe/Berlin"})).await;
        let path = format!("/v1/triggers/{}", text(&created["trigger"]["id"]));
        let next = |trigger: &Value| trigger["next_tick_at"].clone();
        assert!(text(&next(&created["trigger"])).ends_with("-12-31T23:00:00.000000Z"), "{created}");

        let change = app.call("acme", Method::PATCH, &path, Some(json!({"timezone": "America/New_York"}))).await;
        let changed: Value = change.json().await.unwrap();
        assert!(text(&next(&changed)).ends_with("-01-01T05:00:00.000000Z"), "{changed}");
        let change = app.call("acme", Method::PATCH, &path, Some(json!({"cron": "* * * * *"}))).await;
        let changed: Value = change.json().await.unwrap();
        assert_eq!(changed["timezone"], "America/New_York");
        let due = time(&text(&next(&changed)));
        assert!(due.micros_since(clock::now()) <= 60_000_000);

        let change = app.call("acme", Method::PATCH, &path, Some(json!({"enabled": false}))).await;
        assert_eq!(next(&change.json().await.unwrap()), Value::Null);
        let fired = app.app.store.fire_due(due, LIMITS, 10).await.unwrap();
        assert_eq!(fired.triggers, 0);
        // Ticks that pass while a trigger is disabled do not count as missed.
        app.call("acme", Method::PATCH, &path, Some(json!({"enabled": true}))).await;
        let due = app.app.store.next_tick().await.unwrap().unwrap();
        assert!(due > clock::now());
        let automation = format!("/v1/automations/{}", text(&created["trigger"]["automation_id"]));
        app.call("acme", Method::PATCH, &automation, Some(json!({"enabled": false}))).await;
        app.app.store.fire_due(due, LIMITS, 10).await.unwrap();
        assert_eq!(events(&mut app).await, [format!("{due} automation_disabled")]);
        app.call("acme", Method::DELETE, &automation, None).await;
        assert_eq!(app.app.store.next_tick().await.unwrap(), None);
        app.stop().await;
    }

    async fn a_change_first_fires_the_ticks_that_were_due(db: &TestDb) {
        let mut app = TestApp::start_with(db, NO_SCHEDULER).await;
        let automation = app.post("acme", "/v1/automations", json!({"name": "a"})).await;
        let automation = text(&automation["automation"]["id"]);
        let path = format!("/v1/automations/{automation}/schedules");
        let schedule = app.post("acme", &path, json!({"cron": "* * * * *"})).await;
        let schedule = text(&schedule["schedule"]["id"]);
        let of_own = scheduled(&mut app, "acme", json!({"cron": "* * * * *", "missed_ticks": "all"})).await;
        let follower = json!({"automation_id": automation, "schedule_id": schedule, "missed_ticks": "all"});
        let follower = scheduled(&mut app, "acme", follower).await;
        // No scheduler has run for five minutes.
        let minute = clock::now().0 / 60_000_000 * 60_000_000;
        let due = minute - 5 * 60_000_000;
        db.execute(&format!("update triggers set due_at = {due}")).await;

        let own = format!("/v1/triggers/{}", text(&of_own["trigger"]["id"]));
        app.call("acme", Method::PATCH, &own, Some(json!({"enabled": true}))).await;
        let change = json!({"cron": "0 0 1 1 *"});
        app.call("acme", Method::PATCH, &format!("/v1/schedules/{schedule}"), Some(change)).await;
        for trigger in [of_own, follower] {
            let id = text(&trigger["trigger"]["id"]);
            let runs = app.all("acme", &format!("/v1/events?trigger_id={id}&status=queued")).await;
            // The sixth tick is that of the current minute, the seventh that of the next one.
            assert!((6..=7).contains(&runs.len()), "{} of {id}", runs.len());
        }
        app.stop().await;
    }

    async fn disabled_and_deleted_triggers_never_fire(db: &TestDb) {
        let mut app = TestApp::start_with(db, NO_SCHEDULER).await;
        for off in [true, false] {
            let created = scheduled(&mut app, "acme", json!({"cron": "* * * * *"})).await;
            let path = format!("/v1/triggers/{}", text(&created["trigger"]["id"]));
            if off {
                app.call("acme", Method::PATCH, &path, Some(json!({"enabled": false}))).await;
            } else {
                app.call("acme", Method::DELETE, &path, None).await;
            }
        }
        db.execute("update triggers set due_at = 1").await;
        assert_eq!(app.app.store.next_tick().await.unwrap(), None);
        let fired = app.app.store.fire_due(clock::now(), LIMITS, 10).await.unwrap();
        assert_eq!(fired.triggers, 0);
        app.stop().await;
    }

    async fn triggers_follow_their_schedule(db: &TestDb) {
        let mut app = TestApp::start_with(db, NO_SCHEDULER).await;
        let automation = app.post("acme", "/v1/automations", json!({"name": "Report"})).await;
        let automation = text(&automation["automation"]["id"]);
        let body = json!({"name": "Mornings", "cron": "0 9 * * MON-FRI", "timezone": "Europe/Berlin"});
        let path = format!("/v1/automations/{automation}/schedules");
        let schedule = app.post("acme", &path, body).await["schedule"].clone();
        let id = text(&schedule["id"]);
        assert!(id.starts_with("sch_"));
        let schedule_path = format!("/v1/schedules/{id}");
        assert_eq!(app.get("acme", &schedule_path).await["schedule"], schedule);
        assert_eq!(app.all("acme", &path).await, std::slice::from_ref(&schedule));
        let ticks = app.get("acme", &format!("{schedule_path}/next?count=5")).await["ticks"].clone();
        assert_eq!(ticks.as_array().unwrap().len(), 5);

        let clock = json!({"automation_id": automation, "schedule_id": id});
        let created = scheduled(&mut app, "acme", clock).await;
        assert_eq!(created["trigger"]["cron"], "0 9 * * MON-FRI");
        assert_eq!(created["trigger"]["next_tick_at"], ticks[0]);

        let change = json!({"cron": "30 6 * * *", "name": "Dawn"});
        app.call("acme", Method::PATCH, &schedule_path, Some(change)).await;
        let trigger = format!("/v1/triggers/{}", text(&created["trigger"]["id"]));
        let seen = app.get("acme", &trigger).await;
        assert_eq!(seen["cron"], "30 6 * * *");
        let next = app.get("acme", &format!("{schedule_path}/next?count=1")).await;
        assert_eq!(seen["next_tick_at"], next["ticks"][0]);
        assert_eq!(next["ticks"].as_array().unwrap().len(), 1);

        let conflict = app.call("acme", Method::DELETE, &schedule_path, None).await;
        assert_eq!(conflict.status(), StatusCode::CONFLICT);
        // With a cron of its own, the trigger no longer follows the schedule.
        app.call("acme", Method::PATCH, &trigger, Some(json!({"cron": "0 0 * * *"}))).await;
        let seen = app.get("acme", &trigger).await;
        assert_eq!(seen["schedule_id"], Value::Null);
        assert_eq!(seen["timezone"], "Europe/Berlin");
        let deleted = app.call("acme", Method::DELETE, &schedule_path, None).await;
        assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
        for (method, path) in [(Method::GET, schedule_path.clone()), (Method::DELETE, schedule_path)] {
            assert_eq!(app.call("acme", method, &path, None).await.status(), StatusCode::NOT_FOUND);
        }
        app.stop().await;
    }

    async fn an_invalid_field_is_refused_with_its_place(db: &TestDb) {
        let mut app = TestApp::start_with(db, NO_SCHEDULER).await;
        let automation = app.post("acme", "/v1/automations", json!({"name": "a"})).await;
        let automation = text(&automation["automation"]["id"]);
        let other = app.post("acme", "/v1/automations", json!({"name": "b"})).await;
        let other = text(&other["automation"]["id"]);
        let schedules = format!("/v1/automations/{other}/schedules");
        let foreign = app.post("acme", &schedules, json!({"cron": "* * * * *"})).await;
        let foreign = text(&foreign["schedule"]["id"]);
        for (clock, pointers) in [
            (json!({}), vec!["/cron"]),
            (json!({"cron": "* * * *"}), vec!["/cron"]),
            (json!({"cron": "0 0 31 2 *"}), vec!["/cron"]),
            (json!({"cron": "* * * * *", "timezone": "Mars"}), vec!["/timezone"]),
            (json!({"cron": "* * * * *", "schedule_id": foreign}), vec!["/cron"]),
            (json!({"automation_id": automation, "schedule_id": foreign}), vec!["/schedule_id"]),
            (json!({"cron": "* * * * *", "config": {}, "provider": "github"}), vec!["/provider", "/config"]),
            (json!({"cron": "* * * * *", "kind": "manual"}), vec!["/kind"]),
            (json!({"cron": "* * * * *", "kind": "webhook", "provider": "github"}), vec!["/cron"]),
            (json!({"kind": "webhook"}), vec!["/provider"]),
        ] {
            let mut body = json!({"name": "t", "kind": "scheduled"});
            body.as_object_mut().unwrap().extend(clock.as_object().unwrap().clone());
            assert_eq!(refused(&mut app, Method::POST, "/v1/triggers", body).await, pointers, "{clock}");
        }
        let hook = app.hook("acme", "github", json!({})).await;
        let path = format!("/v1/triggers/{}", hook.trigger);
        assert_eq!(refused(&mut app, Method::PATCH, &path, json!({"cron": "* * * * *"})).await, ["/cron"]);
        let created = scheduled(&mut app, "acme", json!({"cron": "* * * * *"})).await;
        let path = format!("/v1/triggers/{}", text(&created["trigger"]["id"]));
        assert_eq!(refused(&mut app, Method::PATCH, &path, json!({"config": {}})).await, ["/config"]);
        assert_eq!(refused(&mut app, Method::PATCH, &path, json!({"cron": "x"})).await, ["/cron"]);
        assert_eq!(refused(&mut app, Method::POST, &schedules, json!({"cron": "@daily"})).await, ["/cron"]);
        let path = format!("/v1/schedules/{foreign}");
        assert_eq!(refused(&mut app, Method::PATCH, &path, json!({"timezone": ""})).await, ["/timezone"]);
        let rotate = format!("/v1/triggers/{}/rotate-secret", text(&created["trigger"]["id"]));
        let conflict = app.call("acme", Method::POST, &rotate, Some(json!({}))).await;
        assert_eq!(conflict.status(), StatusCode::CONFLICT, "it has no URL");
        // A schedule of another organization is unknown here.
        for method in [Method::GET, Method::DELETE] {
            let answer = app.call("other", method, &path, None).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        }
        app.stop().await;
    }

    async fn an_unreadable_trigger_blocks_no_other(db: &TestDb) {
        let mut app = TestApp::start_with(db, NO_SCHEDULER).await;
        for _ in 0..2 {
            scheduled(&mut app, "acme", json!({"cron": "0 * * * *"})).await;
        }
        db.execute("update triggers set cron = 'nonsense' where id = (select id from triggers order by id limit 1)").await;
        let due = app.app.store.next_tick().await.unwrap().unwrap();
        let fired = app.app.store.fire_due(due, LIMITS, 10).await.unwrap();
        assert_eq!((fired.triggers, fired.runs), (2, 1));
        assert!(app.app.store.next_tick().await.unwrap().unwrap() > due);
        app.stop().await;
    }

    async fn a_person_runs_an_automation(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let automation = app.post("acme", "/v1/automations", json!({"name": "Report"})).await;
        let automation = text(&automation["automation"]["id"]);
        let path = format!("/v1/automations/{automation}/run");
        let input = json!({"since": "yesterday", "n": [1, 2]});
        let first = app.post("acme", &path, json!({"input": input})).await;
        assert_eq!(first["event"]["kind"], "manual.run");
        assert_eq!(first["event"]["title"], "Report: run by hand");
        assert_eq!(first["event"]["facts"]["input"], input);
        assert_eq!(first["run"]["status"], "queued");
        assert_eq!(first["run"]["event_id"], first["event"]["id"]);
        let second = app.post("acme", &path, json!({})).await;
        assert_eq!(second["event"]["trigger_id"], first["event"]["trigger_id"], "one manual trigger");
        assert_ne!(second["run"]["id"], first["run"]["id"]);
        let triggers = app.all("acme", &format!("/v1/automations/{automation}/triggers")).await;
        assert_eq!(triggers.len(), 1);
        assert_eq!((&triggers[0]["kind"], &triggers[0]["webhook_url"]), (&json!("manual"), &Value::Null));
        let claimed = app.post("acme", "/v1/outbox/claim", json!({"max": 10, "lease_seconds": 60})).await;
        assert_eq!(claimed["items"].as_array().unwrap().len(), 2);

        let manual = format!("/v1/triggers/{}", text(&triggers[0]["id"]));
        app.call("acme", Method::PATCH, &manual, Some(json!({"enabled": false}))).await;
        let off = app.call("acme", Method::POST, &path, Some(json!({}))).await;
        assert_eq!(off.status(), StatusCode::CONFLICT, "its manual trigger is disabled");
        app.call("acme", Method::PATCH, &manual, Some(json!({"enabled": true}))).await;
        let large = json!({"input": "x".repeat(300_000)});
        assert_eq!(refused(&mut app, Method::POST, &path, large).await, ["/input"]);

        let missing = app.call("other", Method::POST, &path, Some(json!({}))).await;
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
        app.call("acme", Method::PATCH, &format!("/v1/automations/{automation}"), Some(json!({"enabled": false}))).await;
        let disabled = app.call("acme", Method::POST, &path, Some(json!({}))).await;
        assert_eq!(disabled.status(), StatusCode::CONFLICT);
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 2);
        app.stop().await;
    }

    async fn concurrent_first_runs_share_one_manual_trigger(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let automation = app.post("acme", "/v1/automations", json!({"name": "Report"})).await;
        let automation = text(&automation["automation"]["id"]);
        let key = app.key("acme").await;
        let url = format!("{}/v1/automations/{automation}/run", app.url);
        let runs = (0..8).map(|_| {
            let request = app.http.post(&url).bearer_auth(&key).json(&json!({}));
            tokio::spawn(async move { request.send().await.unwrap().status() })
        });
        for run in runs.collect::<Vec<_>>() {
            assert_eq!(run.await.unwrap(), StatusCode::CREATED);
        }
        let triggers = app.all("acme", &format!("/v1/automations/{automation}/triggers")).await;
        assert_eq!(triggers.len(), 1);
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 8);
        app.stop().await;
    }

    async fn a_change_on_one_replica_is_fired_by_another(db: &TestDb) {
        let mut api = TestApp::start_with(db, "roles = ['api']").await;
        let scheduler = TestApp::start_with(db, "roles = ['scheduler']\n[scheduler]\npoll_ms = 3600000").await;
        scheduled(&mut api, "acme", json!({"cron": "* * * * * *"})).await;
        if db.url.starts_with("sqlite") {
            // An embedded database has one process, so there are no signals between replicas.
            scheduler.stop().await;
            api.stop().await;
            return;
        }
        eventually("a tick", async || db.number("select count(*) from runs").await > 0).await;
        scheduler.stop().await;
        api.stop().await;
    }
}
