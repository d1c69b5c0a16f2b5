//! Isolation: a key reaches only its own organization.

use super::rules::operations;
use super::{echo, event, problem};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use triggerhouse_tests::app::text;
use triggerhouse_tests::{TestApp, on_both};

/// A valid body for an operation.
fn body_for(path: &str) -> Value {
    let token = "0192f5c0-a1b2-4c3d-8e4f-5a6b7c8d9e0f";
    match path {
        "/v1/automations/{id}/triggers" => {
            json!({"name": "t", "provider": "echo", "kind": "webhook"})
        }
        "/v1/outbox/{id}/ack" | "/v1/outbox/{id}/nack" => json!({"lease_token": token}),
        "/v1/automations/{id}/schedules" => json!({"cron": "0 0 1 1 *"}),
        "/v1/sinks/{id}" => json!({"enabled": false}),
        path if path.ends_with("/poll-now") => json!({}),
        "/v1/runs/{id}/complete" => json!({"completion_id": "c", "outcome": "succeeded"}),
        "/v1/runs/{id}/resolve" => json!({"outcome": "failed", "reason": "stolen"}),
        path if path.starts_with("/v1/runs/") => json!({}),
        path if path.ends_with("/rotate-secret")
            || path.ends_with("/run")
            || path.ends_with("/resume")
            || path.ends_with("/dry-run") =>
        {
            json!({})
        }
        _ => json!({"name": "stolen"}),
    }
}

on_both! {
    async fn an_organization_sees_nothing_of_another(db: &TestDb) {
        // No dispatcher runs, so nothing is sent.
        let mut app = TestApp::start_with(db, "roles = ['ingress', 'workers', 'api']").await;
        let body = json!({"provider": "echo", "account": "a-1", "secret": "s3cret"});
        let integration = app.post("acme", "/v1/integrations", body).await;
        let integration = text(&integration["integration"]["id"]);
        let hook = app.hook("acme", "echo", json!({})).await;
        let delivery = echo(&app, &hook, json!({"events": [event("k", "a")]})).await;
        app.settled().await;
        let seen = app.all("acme", "/v1/events").await.remove(0);
        let event = text(&seen["id"]);
        let run = text(&app.get("acme", &format!("/v1/events/{event}")).await["run"]["id"]);
        let path = format!("/v1/automations/{}/schedules", text(&seen["automation_id"]));
        let schedule = app.post("acme", &path, json!({"cron": "0 0 1 1 *"})).await;
        let gmail = app.post("acme", "/v1/integrations", json!({"provider": "gmail"})).await;
        let polling = json!({"name": "p", "kind": "polling", "provider": "gmail",
            "integration_id": gmail["integration"]["id"]});
        app.post("acme", "/v1/triggers", polling).await;
        let group = app.all("acme", "/v1/poll-groups").await.remove(0);
        // A disabled sink leaves the message to consumers.
        let sink = json!({"kind": "http", "url": "https://example.com/"});
        let sink = text(&app.post("acme", "/v1/sinks", sink).await["sink"]["id"]);
        let off = Some(json!({"enabled": false}));
        app.call("acme", Method::PATCH, &format!("/v1/sinks/{sink}"), off).await;
        let ids = [
            ("/v1/automations/", text(&seen["automation_id"])),
            ("/v1/integrations/", integration),
            ("/v1/triggers/", hook.trigger.clone()),
            ("/v1/events/", event.clone()),
            ("/v1/runs/", run.clone()),
            ("/v1/inbox/", delivery),
            ("/v1/outbox/", run.replace("run_", "out_")),
            ("/v1/schedules/", text(&schedule["schedule"]["id"])),
            ("/v1/poll-groups/", text(&group["id"])),
            ("/v1/sinks/", sink),
        ];

        for (method, path, has_body) in operations(&app).await {
            let body = has_body.then(|| body_for(&path));
            if path.contains("{id}") {
                let of_path = ids.iter().find(|(prefix, _)| path.starts_with(prefix));
                let (_, id) = of_path.unwrap_or_else(|| panic!("no id for {path}"));
                let path = path.replace("{id}", id);
                if method == Method::GET {
                    // Its owner sees it, so the id is valid.
                    app.get("acme", &path).await;
                }
                let response = app.call("other", method, &path, body).await;
                problem(response, StatusCode::NOT_FOUND).await;
            } else if method == Method::GET {
                assert!(app.all("other", &path).await.is_empty(), "{path}");
            }
        }
        let claim = json!({"max": 100, "lease_seconds": 1});
        let claimed = app.post("other", "/v1/outbox/claim", claim.clone()).await;
        assert_eq!(claimed, json!({"items": []}));
        for field in ["automation_id", "integration_id"] {
            let prefix = format!("/v1/{}s/", field.trim_end_matches("_id"));
            let (_, id) = ids.iter().find(|(of, _)| *of == prefix).unwrap();
            let mut body = json!({"name": "t", "provider": "echo", "kind": "webhook"});
            body[field] = json!(id);
            let response = app.call("other", Method::POST, "/v1/triggers", Some(body)).await;
            let problem = problem(response, StatusCode::UNPROCESSABLE_ENTITY).await;
            assert_eq!(problem["errors"][0]["pointer"], format!("/{field}"));
        }
        let filtered = format!("/v1/events?trigger_id={}", hook.trigger);
        assert!(app.all("other", &filtered).await.is_empty());

        // The owner's data has not changed.
        let (_, integration) = &ids[1];
        let integration = app.get("acme", &format!("/v1/integrations/{integration}")).await;
        assert!(integration["name"].is_null());
        let event = app.get("acme", &format!("/v1/events/{event}")).await;
        assert_eq!(event["event"]["status"], "queued");
        assert_eq!(app.post("acme", "/v1/outbox/claim", claim).await["items"][0]["attempt"], 1);
        app.stop().await;
    }

    async fn an_organization_changes_nothing_of_another_in_bulk(db: &TestDb) {
        let settings = "roles = ['ingress', 'workers', 'api']\n[inbox]\nretry_seconds_max = 0\n[outbox]\nattempts_max = 1";
        let mut app = TestApp::start_with(db, settings).await;
        let hook = app.hook("acme", "echo", json!({})).await;
        echo(&app, &hook, json!({"do": "trap"})).await;
        echo(&app, &hook, json!({"events": [event("k", "a")]})).await;
        app.settled().await;
        let claim = json!({"max": 1, "lease_seconds": 60});
        let message = app.post("acme", "/v1/outbox/claim", claim).await["items"].take().as_array_mut().unwrap().remove(0);
        let nack = format!("/v1/outbox/{}/nack", text(&message["id"]));
        app.post("acme", &nack, json!({"lease_token": message["lease_token"]})).await;
        let seen = async |app: &mut TestApp| {
            let inbox = app.all("acme", "/v1/inbox?status=failed").await;
            let outbox = app.all("acme", "/v1/outbox?status=failed").await;
            assert_eq!((inbox.len(), outbox.len()), (1, 1), "dead letters");
            (inbox, outbox, app.all("acme", "/v1/runs").await)
        };
        let before = seen(&mut app).await;
        app.key("other").await;
        // Every operation that changes rows without naming one.
        let together: Vec<String> = operations(&app).await.into_iter()
            .filter(|(method, path, _)| *method == Method::POST && !path.contains("{id}"))
            .map(|(_, path, _)| path)
            .collect();
        for expected in ["/v1/inbox/retry", "/v1/outbox/retry", "/v1/outbox/discard"] {
            assert!(together.iter().any(|path| path == expected), "{together:?}");
        }
        for path in together {
            app.call("other", Method::POST, &path, Some(json!({}))).await;
        }
        app.settled().await;
        assert_eq!(seen(&mut app).await, before);
        assert_eq!(app.post("acme", "/v1/outbox/retry", json!({})).await["changed"], 1, "its owner can");
        app.stop().await;
    }
}
