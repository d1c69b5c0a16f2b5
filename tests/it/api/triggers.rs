//! Triggers: creation, change, deletion, and the shape of their answers.

use super::{echo, event, patch, pointers, problem, refused};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use triggerhouse_tests::app::{Hook, text};
use triggerhouse_tests::{TestApp, on_both};

const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

async fn integration(app: &mut TestApp, provider: &str) -> String {
    let created = app
        .post("acme", "/v1/integrations", json!({"provider": provider}))
        .await;
    text(&created["integration"]["id"])
}

on_both! {
    async fn a_trigger_shows_its_secret_once(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let body = json!({"name": "Bugs", "provider": "github", "kind": "webhook", "config": {"labels": ["bug"]}});
        let response = app.call("acme", Method::POST, "/v1/triggers", Some(body)).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let created: Value = response.json().await.unwrap();
        let secret = text(&created["webhook_secret"]);
        assert!(secret.len() >= 32);
        let url = text(&created["webhook_url"]);
        assert!(url.starts_with(&format!("{}/webhooks/t/", app.url)), "{url}");

        let automation = text(&created["trigger"]["automation_id"]);
        let automation = app.get("acme", &format!("/v1/automations/{automation}")).await;
        assert_eq!(automation["automation"]["name"], "Bugs");
        let path = format!("/v1/triggers/{}", text(&created["trigger"]["id"]));
        let seen = app.get("acme", &path).await;
        for (field, value) in created["trigger"].as_object().unwrap() {
            assert_eq!(&seen[field], value, "{field}");
        }
        assert_eq!(seen["webhook_url"], url.as_str());
        let listed = app.get("acme", "/v1/triggers").await;
        assert_eq!(listed["items"][0]["id"], created["trigger"]["id"]);
        assert_eq!(listed["items"][0]["webhook_url"], url.as_str());
        for answer in [&seen, &listed] {
            assert!(!answer.to_string().contains(&secret), "{answer}");
        }
        app.stop().await;
    }

    async fn a_trigger_counts_its_events_and_shows_the_newest(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "echo", json!({"kinds": ["a"]})).await;
        let events: Vec<Value> = (0..14).map(|n| event(&format!("k{n}"), if n < 12 { "a" } else { "b" })).collect();
        echo(&app, &hook, json!({"events": events})).await;
        app.settled().await;
        let counts = json!({"queued": 12, "processing": 0, "completed": 0, "failed": 0, "skipped": 2, "held": 0});
        let seen = app.get("acme", &format!("/v1/triggers/{}", hook.trigger)).await;
        assert_eq!(seen["counts"], counts);
        assert_eq!(seen["recent_events"].as_array().unwrap().len(), 10);
        assert_eq!(seen["recent_events"][0]["trigger_id"], hook.trigger.as_str());
        let listed = app.get("acme", "/v1/triggers").await;
        assert_eq!(listed["items"][0]["counts"], counts);
        app.stop().await;
    }

    async fn all_errors_of_a_trigger_are_reported_together(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let of_echo = integration(&mut app, "echo").await;
        let valid = json!({"name": "t", "provider": "github", "kind": "webhook"});
        for (field, value, expected) in [
            ("name", json!("\t"), "/name"),
            ("kind", json!("manual"), "/kind"),
            ("kind", json!("Webhook"), "/kind"),
            ("provider", json!("nobody"), "/provider"),
            ("config", json!([]), "/config"),
            ("config", json!(null), "/config"),
            ("config", json!({"labels": ["bug", 7]}), "/config/labels/1"),
            ("integration_id", json!(of_echo), "/integration_id"),
            ("integration_id", json!("int_0192f5c0a1b27c3d8e4f5a6b7c8d9e0f"), "/integration_id"),
            ("automation_id", json!("aut_0192f5c0a1b27c3d8e4f5a6b7c8d9e0f"), "/automation_id"),
        ] {
            let mut body = valid.clone();
            body[field] = value;
            let problem = refused(&mut app, Method::POST, "/v1/triggers", body.clone(), UNPROCESSABLE).await;
            assert_eq!(pointers(&problem), [expected], "{body}: {problem}");
        }
        let body = json!({"name": "", "provider": "github", "kind": "cron", "config": {"labels": 7}});
        let problem = refused(&mut app, Method::POST, "/v1/triggers", body, UNPROCESSABLE).await;
        assert_eq!(pointers(&problem), ["/name", "/kind", "/config/labels"]);
        assert!(text(&problem["errors"][1]["message"]).contains("webhook"), "{problem}");

        let body = json!({"name": "t", "provider": "github", "kind": "webhook", "integration_id": "evt_1"});
        let problem = refused(&mut app, Method::POST, "/v1/triggers", body, StatusCode::BAD_REQUEST).await;
        assert_eq!(pointers(&problem), ["/integration_id"]);
        assert!(app.all("acme", "/v1/triggers").await.is_empty());
        assert!(app.all("acme", "/v1/automations").await.is_empty(), "no automation is left behind");
        app.stop().await;
    }

    async fn a_trigger_of_an_automation_belongs_to_it(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let created = app.post("acme", "/v1/automations", json!({"name": "a"})).await;
        let path = format!("/v1/automations/{}/triggers", text(&created["automation"]["id"]));
        let body = json!({"name": "t", "provider": "echo", "kind": "webhook",
            "automation_id": "aut_0192f5c0a1b27c3d8e4f5a6b7c8d9e0f"});
        let problem_found = refused(&mut app, Method::POST, &path, body, UNPROCESSABLE).await;
        assert_eq!(pointers(&problem_found), ["/automation_id"]);
        let body = json!({"name": "t", "provider": "echo", "kind": "webhook"});
        let missing = "/v1/automations/aut_0192f5c0a1b27c3d8e4f5a6b7c8d9e0f/triggers";
        let response = app.call("acme", Method::POST, missing, Some(body)).await;
        problem(response, StatusCode::NOT_FOUND).await;
        app.stop().await;
    }

    async fn a_change_keeps_the_fields_that_it_does_not_name(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let (of_echo, of_github) = (integration(&mut app, "echo").await, integration(&mut app, "github").await);
        let body = json!({"name": "t", "provider": "echo", "kind": "webhook", "integration_id": of_echo, "config": {"kinds": ["a"]}});
        let created = app.post("acme", "/v1/triggers", body).await;
        let path = format!("/v1/triggers/{}", text(&created["trigger"]["id"]));
        let changed = patch(&mut app, &path, json!({"name": " new "})).await;
        let mut expected = created["trigger"].clone();
        expected["name"] = json!("new");
        expected["updated_at"] = changed["updated_at"].clone();
        assert_eq!(changed, expected);
        assert_eq!(changed["webhook_url"], created["webhook_url"]);

        let changed = patch(&mut app, &path, json!({"integration_id": null, "enabled": false, "config": {}})).await;
        assert!(changed["integration_id"].is_null());
        assert_eq!(changed["enabled"], false);
        assert_eq!(changed["config"], json!({}));
        let changed = patch(&mut app, &path, json!({"integration_id": of_echo})).await;
        assert_eq!(changed["integration_id"], of_echo.as_str());

        for (body, pointer) in [
            (json!({"config": {"kinds": "a"}}), "/config/kinds"),
            (json!({"config": 7}), "/config"),
            (json!({"integration_id": of_github}), "/integration_id"),
            (json!({"name": ""}), "/name"),
        ] {
            let problem = refused(&mut app, Method::PATCH, &path, body, UNPROCESSABLE).await;
            assert_eq!(pointers(&problem), [pointer]);
        }
        for body in [json!({"enabled": null}), json!({"provider": "github"}), json!({"kind": "webhook"})] {
            refused(&mut app, Method::PATCH, &path, body, StatusCode::BAD_REQUEST).await;
        }
        app.stop().await;
    }

    async fn a_deleted_trigger_takes_no_deliveries_and_keeps_its_events(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook: Hook = app.hook("acme", "echo", json!({})).await;
        echo(&app, &hook, json!({"events": [event("k", "a")]})).await;
        app.settled().await;
        let path = format!("/v1/triggers/{}", hook.trigger);
        let deleted = app.call("acme", Method::DELETE, &path, None).await;
        assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
        let again = app.call("acme", Method::DELETE, &path, None).await;
        problem(again, StatusCode::NOT_FOUND).await;
        triggerhouse_tests::eventually("a route that is gone", async || {
            let response = app.http.post(&hook.url).body("{}").send().await.unwrap();
            response.status() == StatusCode::NOT_FOUND
        })
        .await;
        assert_eq!(app.all("acme", "/v1/events").await.len(), 1);
        app.stop().await;
    }
}
