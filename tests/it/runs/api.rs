//! The calls of consumers and people about runs, over HTTP.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use triggerhouse_tests::app::text;
use triggerhouse_tests::{Kind, TestApp, TestDb, eventually, github, on_both};

/// Hands a new run over. Returns the path of the run, and its message.
async fn handed_over(app: &mut TestApp, delivery: &str) -> (String, Value) {
    let hook = app.hook("acme", "github", json!({})).await;
    let body = github::issue("opened", 1);
    let sent = github::delivery(
        &app.http,
        &hook.url,
        &hook.secret,
        "issues",
        delivery,
        &body,
    );
    assert_eq!(sent.send().await.unwrap().status(), StatusCode::OK);
    let claim = json!({"max": 1, "lease_seconds": 60, "wait_seconds": 20});
    let message = app.post("acme", "/v1/outbox/claim", claim).await["items"][0].clone();
    let run = text(&message["payload"]["run_id"]);
    (format!("/v1/runs/{run}"), message)
}

async fn post(app: &mut TestApp, path: &str, body: Value) -> Response {
    app.call("acme", Method::POST, path, Some(body)).await
}

/// Sends a call that is refused. Returns status, detail and `Retry-After`.
async fn refusal(
    app: &mut TestApp,
    path: &str,
    body: Value,
) -> (StatusCode, String, Option<String>) {
    let response = post(app, path, body).await;
    let after = response.headers().get("retry-after");
    let after = after.map(|after| after.to_str().unwrap().to_owned());
    let status = response.status();
    let problem: Value = response.json().await.unwrap();
    (status, text(&problem["detail"]), after)
}

/// Makes the database refuse every new run.
async fn refuse_runs(db: &TestDb) {
    let sql = match db.kind {
        Kind::Sqlite => {
            "create trigger no_runs before insert on runs begin select raise(abort, 'no runs'); end"
        }
        Kind::Postgres => "alter table runs add constraint no_runs check (attempt > 0) not valid",
    };
    db.execute(sql).await;
}

async fn allow_runs(db: &TestDb) {
    let sql = match db.kind {
        Kind::Sqlite => "drop trigger no_runs",
        Kind::Postgres => "alter table runs drop constraint no_runs",
    };
    db.execute(sql).await;
}

on_both! {
    async fn a_consumer_starts_a_run_keeps_it_alive_and_completes_it(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let (run, message) = handed_over(&mut app, "d").await;
        // No body is needed, not even an empty object.
        let started = app.call("acme", Method::POST, &format!("{run}/start"), None).await;
        assert_eq!(started.status(), StatusCode::OK);
        let started: Value = started.json().await.unwrap();
        assert_eq!((&started["run"]["status"], &started["run"]["attempt"]), (&json!("running"), &json!(1)));
        assert!(started["run"]["deadline_at"].is_string() && started["run"]["heartbeat_due_at"].is_string());

        let (status, detail, after) = refusal(&mut app, &format!("{run}/start"), json!({})).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert!(detail.starts_with("attempt 1 works on the run"), "{detail}");
        let after: u64 = after.unwrap().parse().unwrap();
        assert!((1_000..=1_800).contains(&after), "{after}");

        app.post("acme", &format!("{run}/heartbeat"), Value::Null).await;
        let heard = app.post("acme", &format!("{run}/heartbeat"), json!({"attempt": 1})).await;
        assert_eq!(heard["run"]["status"], "running");
        let (status, detail, _) = refusal(&mut app, &format!("{run}/heartbeat"), json!({"attempt": 2})).await;
        assert_eq!((status, detail.as_str()), (StatusCode::CONFLICT, "the run is in attempt 1: attempt 2 has no say any more"));

        let complete = json!({"completion_id": "c", "outcome": "succeeded", "attempt": 1, "result": {"b": 1, "a": [null, 0.1]}});
        let completed = app.post("acme", &format!("{run}/complete"), complete.clone()).await;
        assert_eq!((&completed["run"]["status"], &completed["run"]["result"]), (&json!("succeeded"), &complete["result"]));
        assert_eq!(app.post("acme", &format!("{run}/complete"), complete.clone()).await, completed);
        for (field, other) in [("outcome", json!("failed")), ("result", json!(1)), ("error", json!("x"))] {
            let mut body = complete.clone();
            body[field] = other;
            let (status, detail, _) = refusal(&mut app, &format!("{run}/complete"), body).await;
            assert_eq!(status, StatusCode::CONFLICT);
            assert!(detail.starts_with("this completion_id was used"), "{detail}");
        }
        let another = json!({"completion_id": "d", "outcome": "succeeded"});
        assert_eq!(refusal(&mut app, &format!("{run}/complete"), another).await.1, "the run is succeeded");
        let (_, detail, after) = refusal(&mut app, &format!("{run}/start"), json!({})).await;
        assert_eq!((detail.as_str(), after), ("the run is succeeded", None), "nothing is left to do");
        let ack = format!("/v1/outbox/{}/ack", text(&message["id"]));
        app.post("acme", &ack, json!({"lease_token": message["lease_token"]})).await;

        let seen = app.get("acme", &run).await;
        for step in seen["history"].as_array().unwrap() {
            let actor = text(&step["actor"]);
            assert!(actor.starts_with("key_") && actor.ends_with(" test"), "{actor}");
        }
        assert_eq!((&seen["hand_off"]["status"], &seen["hand_off"]["id"]), (&json!("dispatched"), &message["id"]));
        let event = format!("/v1/events/{}", text(&seen["run"]["event_id"]));
        let event = app.get("acme", &event).await;
        assert_eq!((&event["event"]["status"], event["history"].as_array().unwrap().len()), (&json!("completed"), 2));
        assert_eq!(app.all("acme", "/v1/runs?status=succeeded").await.len(), 1);
        assert!(app.all("acme", "/v1/runs?status=running").await.is_empty());
        app.stop().await;
    }

    async fn people_cancel_and_resolve(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let (run, message) = handed_over(&mut app, "d").await;
        let (status, detail, _) = refusal(&mut app, &format!("{run}/resolve"), json!({"outcome": "failed", "reason": "x"})).await;
        assert_eq!((status, detail.as_str()), (StatusCode::CONFLICT, "the run is queued"));
        let cancelled = app.post("acme", &format!("{run}/cancel"), json!({"reason": "not needed"})).await;
        assert_eq!((&cancelled["run"]["status"], &cancelled["run"]["status_reason"]), (&json!("cancelled"), &json!("not needed")));
        let ack = format!("/v1/outbox/{}/ack", text(&message["id"]));
        let (status, ..) = refusal(&mut app, &ack, json!({"lease_token": message["lease_token"]})).await;
        assert_eq!(status, StatusCode::CONFLICT, "withdrawn");

        let (run, _) = handed_over(&mut app, "e").await;
        app.post("acme", &format!("{run}/start"), json!({})).await;
        let body = json!({"completion_id": "c", "outcome": "needs_human", "error": "which\0one?"});
        let stuck = app.post("acme", &format!("{run}/complete"), body.clone()).await;
        assert_eq!(stuck["run"]["error"], "which\u{fffd}one?");
        app.post("acme", &format!("{run}/complete"), body).await;
        let resolve = json!({"outcome": "succeeded", "reason": "did it by hand", "comment": "took\nan hour"});
        let resolved = app.post("acme", &format!("{run}/resolve"), resolve).await;
        assert_eq!(resolved["run"]["status"], "succeeded");
        let history = app.get("acme", &run).await["history"].clone();
        assert_eq!((&history[2]["reason"], &history[2]["comment"]), (&json!("did it by hand"), &json!("took\nan hour")));
        app.stop().await;
    }

    async fn the_texts_and_numbers_of_a_call_are_limited(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let (run, _) = handed_over(&mut app, "d").await;
        let long = |chars| "x".repeat(chars);
        for (what, body, pointers) in [
            ("start", json!({"deadline_seconds": 0, "inactivity_seconds": 604_801}), vec!["/deadline_seconds", "/inactivity_seconds"]),
            ("start", json!({"start_id": " "}), vec!["/start_id"]),
            ("heartbeat", json!({"attempt": 0}), vec!["/attempt"]),
            ("complete", json!({"completion_id": "", "outcome": "failed", "attempt": -1}), vec!["/attempt", "/completion_id"]),
            ("complete", json!({"completion_id": "c", "outcome": "failed", "result": long(262_143)}), vec!["/result"]),
            ("cancel", json!({"reason": "two\nlines"}), vec!["/reason"]),
            ("resolve", json!({"outcome": "failed", "reason": long(501), "comment": long(2_001)}), vec!["/reason", "/comment"]),
        ] {
            let response = post(&mut app, &format!("{run}/{what}"), body).await;
            assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{what}");
            let problem: Value = response.json().await.unwrap();
            let found: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| text(&error["pointer"])).collect();
            assert_eq!(found, pointers, "{what}: {problem}");
        }
        for (what, body) in [
            ("complete", json!({"completion_id": "c", "outcome": "timed_out"})),
            ("complete", json!({"outcome": "failed"})),
            ("resolve", json!({"outcome": "needs_human", "reason": "x"})),
            ("start", json!({"deadline": 1})),
            ("start", json!([])),
        ] {
            assert_eq!(post(&mut app, &format!("{run}/{what}"), body).await.status(), StatusCode::BAD_REQUEST, "{what}");
        }
        let url = format!("{}{run}/start", app.url);
        let key = app.key("acme").await;
        let typed = app.http.post(url).bearer_auth(key).header("content-type", "text/plain").body("{}");
        assert_eq!(typed.send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(app.get("acme", &run).await["run"]["status"], "queued");
        app.stop().await;
    }

    async fn the_host_ends_a_run_whose_consumer_is_silent(db: &TestDb) {
        let mut app = TestApp::start_with(db, "[runs]\npoll_ms = 20").await;
        let (run, message) = handed_over(&mut app, "d").await;
        let ack = format!("/v1/outbox/{}/ack", text(&message["id"]));
        app.post("acme", &ack, json!({"lease_token": message["lease_token"]})).await;
        app.post("acme", &format!("{run}/start"), json!({"inactivity_seconds": 1})).await;
        let (store, org) = (app.app.store.clone(), "acme".parse().unwrap());
        let id = run.trim_start_matches("/v1/runs/").parse().unwrap();
        eventually("the end of a silent run", async || {
            store.run(&org, id).await.unwrap().unwrap().status.is_over()
        })
        .await;
        let seen = app.get("acme", &run).await;
        assert_eq!((&seen["run"]["status"], &seen["run"]["status_reason"]), (&json!("timed_out"), &json!("inactivity")));
        assert_eq!(seen["history"][1]["actor"], "finalizer");
        app.stop().await;
    }

    async fn an_event_whose_run_cannot_be_created_is_skipped_and_its_key_stays_free(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({})).await;
        refuse_runs(db).await;
        let body = github::issue("opened", 1);
        let sent = github::delivery(&app.http, &hook.url, &hook.secret, "issues", "d", &body);
        let delivery: Value = sent.send().await.unwrap().json().await.unwrap();
        app.settled().await;
        let path = format!("/v1/inbox/{}", text(&delivery["id"]));
        let dead = app.get("acme", &path).await;
        assert_eq!(dead["delivery"]["status"], "failed");
        let events = app.all("acme", "/v1/events").await;
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!((&events[0]["status"], &events[0]["skip_reason"]), (&json!("skipped"), &json!("run_create_failed")));
        assert!(text(&events[0]["skip_detail"]).contains("no_runs") || text(&events[0]["skip_detail"]).contains("no runs"));
        assert!(app.all("acme", "/v1/runs").await.is_empty());

        allow_runs(db).await;
        app.post("acme", &format!("{path}/retry"), json!({})).await;
        app.settled().await;
        let queued = app.all("acme", "/v1/events?status=queued").await;
        assert_eq!((queued.len(), &queued[0]["dedup_key"]), (1, &events[0]["dedup_key"]));
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1);
        app.stop().await;
    }
}
