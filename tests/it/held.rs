//! Acknowledged deliveries can be brought back: those that started nothing, those on hold,
//! and those of no organization.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use triggerhouse::domain::DeliveryStatus;
use triggerhouse::store::{DeliveryChange, OperatorFilter, PageRequest};
use triggerhouse_tests::app::{Hook, text};
use triggerhouse_tests::{TestApp, eventually, on_both};

const ALL: PageRequest = PageRequest {
    limit: 100,
    before: None,
};

fn event(key: &str) -> String {
    json!({"events": [{"dedup_key": key, "kind": "a", "title": "t"}]}).to_string()
}

async fn send(app: &TestApp, hook: &Hook, delivery: &str, body: &str) -> Value {
    let signature = triggerhouse_tests::github::signature(&hook.secret, body.as_bytes());
    let request = app
        .http
        .post(&hook.url)
        .header("x-echo-signature", signature)
        .header("x-echo-delivery", delivery)
        .body(body.to_owned());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

async fn status(app: &mut TestApp, delivery: &Value) -> String {
    let path = format!("/v1/inbox/{}", text(&delivery["id"]));
    text(&app.get("acme", &path).await["delivery"]["status"])
}

async fn runs(app: &mut TestApp) -> usize {
    app.all("acme", "/v1/runs").await.len()
}

fn shared(app: &TestApp) -> Hook {
    Hook {
        trigger: String::new(),
        url: format!("{}/webhooks/direct/echo", app.url),
        secret: "echo-app-secret".into(),
    }
}

on_both! {
    async fn what_started_nothing_is_processed_again_when_its_sender_repeats_it(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "echo", json!({})).await;
        let trigger = format!("/v1/triggers/{}", hook.trigger);
        app.call("acme", Method::PATCH, &trigger, Some(json!({"enabled": false}))).await;
        let first = send(&app, &hook, "d-1", &event("k")).await;
        app.settled().await;
        assert_eq!((status(&mut app, &first).await.as_str(), runs(&mut app).await), ("completed", 0));
        app.call("acme", Method::PATCH, &trigger, Some(json!({"enabled": true}))).await;
        let again = send(&app, &hook, "d-1", &event("k")).await;
        assert_eq!(again["duplicate"], false, "{again}");
        app.settled().await;
        assert_eq!(runs(&mut app).await, 1);
        assert_eq!(send(&app, &hook, "d-1", &event("k")).await["duplicate"], true, "now it has started a run");
        // The first one can be retried as well, and starts no second run.
        app.post("acme", &format!("/v1/inbox/{}/retry", text(&first["id"])), json!({})).await;
        app.settled().await;
        assert_eq!(runs(&mut app).await, 1);
        app.stop().await;
    }

    async fn deliveries_that_started_nothing_are_retried_by_their_outcome(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "echo", json!({})).await;
        let trigger = format!("/v1/triggers/{}", hook.trigger);
        let done = send(&app, &hook, "d-0", &event("k0")).await;
        app.settled().await;
        app.call("acme", Method::PATCH, &trigger, Some(json!({"enabled": false}))).await;
        for number in 1..4 {
            send(&app, &hook, &format!("d-{number}"), &event(&format!("k{number}"))).await;
        }
        app.settled().await;
        app.call("acme", Method::PATCH, &trigger, Some(json!({"enabled": true}))).await;
        let filter = json!({"outcome": "no active trigger", "trigger_id": hook.trigger});
        assert_eq!(app.post("acme", "/v1/inbox/retry", filter).await["retried"], 3);
        app.settled().await;
        assert_eq!(runs(&mut app).await, 4);
        let retry = format!("/v1/inbox/{}/retry", text(&done["id"]));
        let refused = app.call("acme", Method::POST, &retry, Some(json!({}))).await;
        assert_eq!(refused.status(), StatusCode::CONFLICT, "it started a run");
        let refused = app.call("acme", Method::POST, "/v1/inbox/retry", Some(json!({"status": "discarded"}))).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        app.stop().await;
    }

    async fn a_connection_in_error_stops_no_signed_delivery(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let body = json!({"provider": "echo", "secret": "s"});
        let integration = app.post("acme", "/v1/integrations", body).await;
        let id = &integration["integration"]["id"];
        let hook = Hook { trigger: String::new(), url: text(&integration["webhook_url"]), secret: "s".into() };
        app.post("acme", "/v1/triggers", json!({"name": "t", "provider": "echo", "kind": "webhook", "integration_id": id})).await;
        db.execute("update integrations set status = 'error'").await;
        send(&app, &hook, "d-1", &event("k")).await;
        app.settled().await;
        assert_eq!(runs(&mut app).await, 1);
        app.stop().await;
    }

    async fn deliveries_of_an_integration_on_hold_wait_in_order(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let body = json!({"provider": "echo", "secret": "s"});
        let integration = app.post("acme", "/v1/integrations", body).await;
        let id = text(&integration["integration"]["id"]);
        let hook = Hook { trigger: String::new(), url: text(&integration["webhook_url"]), secret: "s".into() };
        app.post("acme", "/v1/triggers", json!({"name": "t", "provider": "echo", "kind": "webhook", "integration_id": id})).await;
        let held = app.post("acme", &format!("/v1/integrations/{id}/hold"), json!({})).await;
        let shown = app.get("acme", &format!("/v1/integrations/{id}")).await;
        assert_eq!(shown["held_at"], held["held_at"]);
        let mut sent = Vec::new();
        for number in 0..5 {
            sent.push(send(&app, &hook, &format!("d-{number}"), &event(&format!("k{number}"))).await);
        }
        app.settled().await;
        assert_eq!(runs(&mut app).await, 0);
        assert_eq!(app.all("acme", "/v1/inbox?status=held").await.len(), 5);
        let repeated = send(&app, &hook, "d-0", &event("k0")).await;
        assert_eq!((&repeated["duplicate"], &repeated["id"]), (&json!(true), &sent[0]["id"]), "it waits already");
        app.post("acme", &format!("/v1/inbox/{}/discard", text(&sent[4]["id"])), json!({})).await;
        let resumed = app.post("acme", &format!("/v1/integrations/{id}/resume"), json!({"held": "process"})).await;
        assert_eq!(resumed, json!({"deliveries": 4, "more": false}));
        app.settled().await;
        let keys: Vec<String> = app.all("acme", "/v1/events").await.iter().map(|event| text(&event["dedup_key"])).collect();
        assert_eq!(keys.len(), 4);
        assert!(app.all("acme", "/v1/inbox?status=held").await.is_empty());
        app.stop().await;
    }

    async fn a_trigger_on_hold_keeps_no_other_from_its_events(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let body = json!({"provider": "echo", "secret": "s"});
        let integration = app.post("acme", "/v1/integrations", body).await;
        let hook = Hook { trigger: String::new(), url: text(&integration["webhook_url"]), secret: "s".into() };
        let mut triggers = Vec::new();
        for name in ["one", "two", "three"] {
            let body = json!({"name": name, "provider": "echo", "kind": "webhook", "integration_id": integration["integration"]["id"]});
            triggers.push(text(&app.post("acme", "/v1/triggers", body).await["trigger"]["id"]));
        }
        for held in &triggers[..2] {
            app.post("acme", &format!("/v1/triggers/{held}/hold"), json!({})).await;
        }
        let sent = send(&app, &hook, "d-1", &event("k")).await;
        app.settled().await;
        assert_eq!(runs(&mut app).await, 1, "the third one's");
        assert_eq!(status(&mut app, &sent).await, "held");
        let shown = app.get("acme", &format!("/v1/triggers/{}", triggers[0])).await;
        assert_eq!(shown["counts"]["held"], 1, "{shown}");
        for listed in app.all("acme", "/v1/triggers").await {
            let is_held = triggers[..2].contains(&text(&listed["id"]));
            assert_eq!(listed["counts"]["held"], i64::from(is_held), "{listed}");
        }
        let resume = async |app: &mut TestApp, trigger: &str, held: &str| {
            let path = format!("/v1/triggers/{trigger}/resume");
            let resumed = app.post("acme", &path, json!({"held": held})).await;
            app.settled().await;
            resumed["deliveries"].clone()
        };
        assert_eq!(resume(&mut app, &triggers[0], "process").await, 1);
        assert_eq!((runs(&mut app).await, status(&mut app, &sent).await.as_str()), (2, "held"));
        assert_eq!(resume(&mut app, &triggers[1], "discard").await, 1);
        assert_eq!((runs(&mut app).await, status(&mut app, &sent).await.as_str()), (2, "discarded"));
        let body = json!({"name": "c", "kind": "scheduled", "cron": "0 0 1 1 *"});
        let ticks = text(&app.post("acme", "/v1/triggers", body).await["trigger"]["id"]);
        let hold = format!("/v1/triggers/{ticks}/hold");
        let refused = app.call("acme", Method::POST, &hold, None).await;
        assert_eq!(refused.status(), StatusCode::CONFLICT, "it gets no deliveries");
        app.stop().await;
    }

    async fn the_operator_sees_and_retries_what_belongs_to_nobody(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = shared(&app);
        let body = json!({"account": "778", "events": [{"dedup_key": "k", "kind": "a", "title": "t"}]}).to_string();
        let sent = send(&app, &hook, "d-1", &body).await;
        send(&app, &hook, "d-2", "{\"account\": \"a-").await;
        app.settled().await;
        let store = db.store().await;
        let found = async |status| {
            let filter = OperatorFilter { status, ownerless: true };
            store.all_deliveries(&filter, ALL).await.unwrap().items
        };
        assert_eq!(found(DeliveryStatus::Failed).await.len(), 1);
        let ended = found(DeliveryStatus::Completed).await;
        assert_eq!(ended[0].delivery.id.to_string(), text(&sent["id"]));
        assert_eq!(ended[0].org_id, None);
        let body = json!({"provider": "echo", "account": "778"});
        let integration = app.post("acme", "/v1/integrations", body).await;
        app.post("acme", "/v1/triggers", json!({"name": "t", "provider": "echo", "kind": "webhook", "integration_id": integration["integration"]["id"]})).await;
        let id = ended[0].delivery.id;
        let retried = store.change_any_delivery(id, DeliveryChange::Retry, triggerhouse::clock::now()).await.unwrap();
        assert_eq!(retried, Some((DeliveryStatus::Completed, true)));
        eventually("its run", async || db.number("select count(*) from runs").await == 1).await;
        let (owner, content) = store.any_delivery(id).await.unwrap().unwrap();
        assert_eq!(owner.map(|org| org.to_string()).as_deref(), Some("acme"));
        assert_eq!(content.delivery.status, DeliveryStatus::Completed);
        store.close().await;
        app.stop().await;
    }

    async fn metrics_count_what_waits_for_a_worker_and_what_waits_for_a_person(db: &TestDb) {
        let mut door = TestApp::start_with(db, "roles = ['ingress', 'api']").await;
        let (hook, held) = (door.hook("acme", "echo", json!({})).await, door.hook("acme", "echo", json!({})).await);
        door.post("acme", &format!("/v1/triggers/{}/hold", held.trigger), json!({})).await;
        for number in 0..3 {
            send(&door, &hook, &format!("d-{number}"), &event("k")).await;
        }
        send(&door, &held, "h-1", &event("k")).await;
        let shows = async |line: &str| {
            let metrics = door.http.get(format!("{}/metrics", door.url)).send().await.unwrap();
            metrics.text().await.unwrap().lines().any(|shown| shown == line)
        };
        eventually("the backlog", async || shows("triggerhouse_inbox_backlog_deliveries 4").await).await;
        let pending = "/v1/inbox?status=pending";
        let worker = TestApp::start_with(db, "roles = ['workers']").await;
        eventually("an empty backlog", async || shows("triggerhouse_inbox_backlog_deliveries 0").await).await;
        eventually("a held delivery", async || shows("triggerhouse_inbox_held_deliveries 1").await).await;
        assert!(door.all("acme", pending).await.is_empty());
        worker.stop().await;
        door.stop().await;
    }
}
