//! Automations, integrations, events and the inbox.

use super::{echo, event, patch, pointers, problem, refused};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use triggerhouse_tests::app::text;
use triggerhouse_tests::{TestApp, on_both};

const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

on_both! {
    async fn an_automation_is_created_changed_and_deleted(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let body = json!({"name": "  Ärger \u{1f980} "});
        let response = app.call("acme", Method::POST, "/v1/automations", Some(body)).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let created: Value = response.json().await.unwrap();
        let id = text(&created["automation"]["id"]);
        assert!(id.starts_with("aut_"));
        assert_eq!(created["automation"]["name"], "Ärger \u{1f980}");
        assert_eq!(created["automation"]["enabled"], true);
        let path = format!("/v1/automations/{id}");
        assert_eq!(app.get("acme", &path).await, created);

        let changed = patch(&mut app, &path, json!({"enabled": false})).await;
        assert_eq!(changed["automation"]["enabled"], false);
        assert_eq!(changed["automation"]["name"], created["automation"]["name"]);
        for name in [json!(""), json!("  "), json!("a\0b"), json!("a\nb"), json!("x".repeat(201))] {
            let body = json!({"name": name});
            let problem = refused(&mut app, Method::PATCH, &path, body, UNPROCESSABLE).await;
            assert_eq!(pointers(&problem), ["/name"]);
        }
        let null = json!({"name": null});
        refused(&mut app, Method::PATCH, &path, null, StatusCode::BAD_REQUEST).await;

        let body = json!({"name": "t", "provider": "echo", "kind": "webhook"});
        let created = app.post("acme", &format!("{path}/triggers"), body).await;
        assert_eq!(created["trigger"]["automation_id"], id.as_str());
        assert_eq!(app.all("acme", &format!("{path}/triggers")).await.len(), 1);
        assert!(app.all("acme", &format!("{path}/events")).await.is_empty());
        assert!(app.all("acme", &format!("{path}/runs")).await.is_empty());

        let deleted = app.call("acme", Method::DELETE, &path, None).await;
        assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
        for (method, path) in [(Method::GET, path.clone()), (Method::DELETE, path.clone()), (Method::GET, format!("{path}/runs"))] {
            problem(app.call("acme", method, &path, None).await, StatusCode::NOT_FOUND).await;
        }
        assert!(app.all("acme", "/v1/triggers").await.is_empty(), "its triggers are deleted with it");
        app.stop().await;
    }

    async fn no_answer_shows_an_integrations_secret(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let body = json!({"provider": "github", "name": "Octo", "connection_id": "c-1", "account": "42", "secret": "hunter2"});
        let created = app.post("acme", "/v1/integrations", body.clone()).await;
        assert_eq!(created["integration"]["has_secret"], true);
        assert_eq!(created["integration"]["status"], "active");
        let path = format!("/v1/integrations/{}", text(&created["integration"]["id"]));
        let changed = patch(&mut app, &path, json!({"secret": "hunter3", "status": "suspended"})).await;
        assert_eq!(changed["status"], "suspended");
        assert_eq!(changed["account"], "42");
        let listed = app.get("acme", "/v1/integrations").await;
        for answer in [&created, &changed, &listed] {
            assert!(!answer.to_string().contains("hunter"), "{answer}");
        }
        let taken = refused(&mut app, Method::POST, "/v1/integrations", body, StatusCode::CONFLICT).await;
        assert!(text(&taken["detail"]).contains("is taken"));

        let body = json!({"provider": "nobody", "name": "", "connection_id": "", "account": "a\0b", "secret": ""});
        let problem_found = refused(&mut app, Method::POST, "/v1/integrations", body, UNPROCESSABLE).await;
        let mut found = pointers(&problem_found);
        found.sort_unstable();
        assert_eq!(found, ["/account", "/connection_id", "/name", "/provider", "/secret"]);
        for secret in ["   ".to_owned(), "whsec_".to_owned(), "x".repeat(1025)] {
            let body = json!({"secret": secret});
            let problem = refused(&mut app, Method::PATCH, &path, body, UNPROCESSABLE).await;
            assert_eq!(pointers(&problem), ["/secret"]);
        }

        let deleted = app.call("acme", Method::DELETE, &path, None).await;
        assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
        problem(app.call("acme", Method::GET, &path, None).await, StatusCode::NOT_FOUND).await;
        app.stop().await;
    }

    async fn an_event_shows_its_delivery_and_can_be_skipped_while_queued(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "echo", json!({})).await;
        let body = json!({"events": [event("k1", "a"), event("k2", "b")]});
        let delivery = echo(&app, &hook, body).await;
        app.settled().await;
        let found = app.all("acme", "/v1/events?kind=b&status=queued&since=2020-01-01T00:00:00Z").await;
        assert_eq!(found.len(), 1);
        assert!(app.all("acme", "/v1/events?since=2999-01-01T00:00:00Z").await.is_empty());
        let path = format!("/v1/events/{}", text(&found[0]["id"]));

        let seen = app.get("acme", &path).await;
        assert_eq!(seen["event"], found[0]);
        assert_eq!(seen["event"]["facts"], json!({"key": "k2"}));
        assert_eq!(seen["delivery"]["id"], delivery.as_str());
        assert!(text(&seen["delivery"]["body"]).contains("k2"));
        assert_eq!(seen["run"]["event_id"], found[0]["id"]);
        assert_eq!(seen["history"], json!([]));

        let skipped = app.post("acme", &format!("{path}/skip"), json!({})).await;
        assert_eq!(skipped["event"]["status"], "skipped");
        assert_eq!(skipped["event"]["skip_reason"], "manual");
        let again = app.call("acme", Method::POST, &format!("{path}/skip"), None).await;
        let again = problem(again, StatusCode::CONFLICT).await;
        assert!(text(&again["detail"]).contains("skipped"));

        let seen = app.get("acme", &path).await;
        assert_eq!(seen["history"][0]["to"], "skipped");
        assert_eq!(seen["run"]["status"], "cancelled");
        let run = app.get("acme", &format!("/v1/runs/{}", text(&seen["run"]["id"]))).await;
        assert_eq!(run["history"][0]["from"], "queued");
        assert_eq!(app.all("acme", "/v1/runs?status=cancelled").await.len(), 1);
        let of_automation = format!("/v1/runs?automation_id={}", text(&run["run"]["automation_id"]));
        assert_eq!(app.all("acme", &of_automation).await.len(), 2);
        app.stop().await;
    }

    async fn a_dead_letter_can_be_retried_and_discarded(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "echo", json!({})).await;
        let fine = echo(&app, &hook, json!({"events": [event("k", "a")]})).await;
        let dead = echo(&app, &hook, json!({"do": "trap"})).await;
        app.settled().await;
        let failed = app.all("acme", "/v1/inbox?status=failed").await;
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0]["id"], dead.as_str());

        for what in ["retry", "discard"] {
            let path = format!("/v1/inbox/{fine}/{what}");
            let response = app.call("acme", Method::POST, &path, None).await;
            problem(response, StatusCode::CONFLICT).await;
        }
        let retried = app.post("acme", &format!("/v1/inbox/{dead}/retry"), json!({})).await;
        assert_eq!(retried["delivery"]["id"], dead.as_str());
        app.settled().await;
        let discarded = app.post("acme", &format!("/v1/inbox/{dead}/discard"), json!({})).await;
        assert_eq!(discarded["delivery"]["status"], "discarded");
        let path = format!("/v1/inbox/{dead}/retry");
        problem(app.call("acme", Method::POST, &path, None).await, StatusCode::CONFLICT).await;
        app.stop().await;
    }
}
