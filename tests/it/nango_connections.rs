//! Connections of Nango whose id is not unique: their key tells them apart.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use triggerhouse_tests::app::text;
use triggerhouse_tests::nango::{envelope_of, message, taken};
use triggerhouse_tests::{TestApp, github, on_both};

const URL: &str = "/webhooks/nango";

async fn integration(app: &mut TestApp, provider: &str, key: Option<&str>) -> String {
    let mut body = json!({"provider": provider, "connection_id": "user-1"});
    if let Some(key) = key {
        body["provider_config_key"] = key.into();
    }
    let created = app.post("acme", "/v1/integrations", body).await;
    let integration = text(&created["integration"]["id"]);
    let body = json!({"name": "t", "provider": provider, "kind": "webhook",
        "integration_id": integration});
    app.post("acme", "/v1/triggers", body).await;
    integration
}

async fn shown(app: &mut TestApp, integration: &str) -> Value {
    app.get("acme", &format!("/v1/integrations/{integration}"))
        .await
}

async fn status(app: &mut TestApp, integration: &str) -> String {
    text(&shown(app, integration).await["status"])
}

/// News about the connection `user-1` under `key`, at `service`.
async fn say(app: &TestApp, (key, service): (&str, &str), operation: &str, success: bool) -> Value {
    let news = json!({
        "from": "nango", "type": "auth", "connectionId": "user-1", "authMode": "OAUTH2",
        "providerConfigKey": key, "provider": service, "environment": "DEV",
        "operation": operation, "success": success,
    });
    taken(message(app, URL, news.to_string().as_bytes())).await
}

async fn issue(app: &TestApp, (key, service): (&str, &str), number: u64) -> Value {
    let payload: Value = serde_json::from_slice(&github::issue("opened", number)).unwrap();
    let body = envelope_of(key, service, "user-1", &payload).to_string();
    let request = message(app, URL, body.as_bytes())
        .header("x-github-event", "issues")
        .header("x-github-delivery", format!("guid-{number}"));
    taken(request).await
}

const MAIL: (&str, &str) = ("mail", "google-mail");
const HUB: (&str, &str) = ("hub", "github-app");

on_both! {
    async fn news_about_another_connection_of_the_same_id_changes_nothing(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hub = integration(&mut app, "github", Some("hub")).await;
        say(&app, MAIL, "refresh", false).await;
        assert_eq!(say(&app, MAIL, "deletion", true).await["integration_id"], Value::Null);
        assert_eq!(status(&mut app, &hub).await, "active");
        issue(&app, HUB, 1).await;
        issue(&app, MAIL, 2).await;
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1);
        say(&app, HUB, "refresh", false).await;
        assert_eq!(status(&mut app, &hub).await, "error");
        app.stop().await;
    }

    async fn two_integrations_share_a_connection_id_under_different_keys(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hub = integration(&mut app, "github", Some("hub")).await;
        let mail = integration(&mut app, "echo", Some("mail")).await;
        let body = json!({"provider": "github", "connection_id": "user-1", "provider_config_key": "hub"});
        let taken = app.call("other", Method::POST, "/v1/integrations", Some(body)).await;
        assert_eq!(taken.status(), StatusCode::CONFLICT);
        say(&app, MAIL, "deletion", true).await;
        let statuses = (status(&mut app, &hub).await, status(&mut app, &mail).await);
        assert_eq!(statuses, ("active".into(), "deleted".into()));
        issue(&app, HUB, 1).await;
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1);
        let path = format!("/v1/integrations/{mail}");
        let change = json!({"provider_config_key": "mail-2"});
        assert_eq!(app.call("acme", Method::PATCH, &path, Some(change)).await.status(), StatusCode::OK);
        assert_eq!(shown(&mut app, &mail).await["provider_config_key"], "mail-2");
        say(&app, ("mail-2", "google-mail"), "creation", true).await;
        assert_eq!(status(&mut app, &mail).await, "active");
        app.stop().await;
    }

    async fn an_integration_without_a_key_learns_it_from_a_message_of_its_service(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hub = integration(&mut app, "github", None).await;
        assert_eq!(shown(&mut app, &hub).await["provider_config_key"], Value::Null);
        issue(&app, HUB, 1).await;
        app.settled().await;
        assert_eq!(shown(&mut app, &hub).await["provider_config_key"], "hub");
        for operation in ["refresh", "deletion"] {
            say(&app, MAIL, operation, operation == "deletion").await;
            assert_eq!(status(&mut app, &hub).await, "active");
        }
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1);
        app.stop().await;
    }

    async fn an_ambiguous_connection_starts_nothing_and_says_why_until_it_has_a_key(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hub = integration(&mut app, "github", None).await;
        // Neither key nor service say whose they are.
        issue(&app, ("a", "any"), 1).await;
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1, "one key leaves no doubt");
        assert_eq!(shown(&mut app, &hub).await["ambiguous_keys"], Value::Null);
        say(&app, ("b", "any"), "deletion", true).await;
        issue(&app, ("a", "any"), 2).await;
        app.settled().await;
        let seen = shown(&mut app, &hub).await;
        assert_eq!((text(&seen["status"]), text(&seen["ambiguous_keys"])), ("active".into(), "a, b".into()));
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1);

        let path = format!("/v1/integrations/{hub}");
        app.call("acme", Method::PATCH, &path, Some(json!({"provider_config_key": "a"}))).await;
        issue(&app, ("a", "any"), 3).await;
        issue(&app, ("b", "any"), 4).await;
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 2);
        assert_eq!(shown(&mut app, &hub).await["ambiguous_keys"], Value::Null);
        app.stop().await;
    }
}
