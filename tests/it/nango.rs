//! Nango in front of a provider: envelopes, connections, and news about them.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use triggerhouse_tests::app::text;
use triggerhouse_tests::nango::{SIGNING_KEY, envelope, message, signature, taken};
use triggerhouse_tests::{TestApp, github, on_both};

const DELIVERIES: &str = "/webhooks/nango";
const NEWS: &str = "/api/webhooks/nango";

/// An integration with a connection, and one trigger without a filter.
async fn connected(app: &mut TestApp, org: &str, provider: &str, connection: &str) -> String {
    let body = json!({"provider": provider, "connection_id": connection});
    let integration = app.post(org, "/v1/integrations", body).await;
    let integration = text(&integration["integration"]["id"]);
    let body = json!({"name": "t", "provider": provider, "kind": "webhook",
        "integration_id": integration});
    app.post(org, "/v1/triggers", body).await;
    integration
}

/// An envelope with a payload of GitHub.
fn issue(connection: &str, number: u64) -> Vec<u8> {
    let payload: Value = serde_json::from_slice(&github::issue("opened", number)).unwrap();
    envelope(connection, &payload).to_string().into_bytes()
}

async fn forward(app: &TestApp, body: &[u8], guid: &str) -> Value {
    let request = message(app, DELIVERIES, body)
        .header("x-github-event", "issues")
        .header("x-github-delivery", guid)
        // Nango forwards GitHub's signature, but not the bytes that it signed.
        .header("x-hub-signature-256", "sha256=00");
    taken(request).await
}

async fn status(app: &mut TestApp, integration: &str) -> (String, Value) {
    let path = format!("/v1/integrations/{integration}");
    let integration = app.get("acme", &path).await;
    (
        text(&integration["status"]),
        integration["status_reason"].clone(),
    )
}

fn auth(operation: &str, success: bool) -> Value {
    json!({
        "from": "nango", "type": "auth", "connectionId": "c-1", "authMode": "OAUTH2",
        "providerConfigKey": "an-id-of-our-own", "provider": "any", "environment": "DEV",
        "operation": operation, "success": success, "endUser": {"endUserId": "7"},
        "error": if success { Value::Null } else {
            json!({"type": "refresh_token_external_error", "description": "the grant was revoked"})
        }
    })
}

async fn say(app: &TestApp, path: &str, news: &Value) -> Value {
    taken(message(app, path, news.to_string().as_bytes())).await
}

on_both! {
    async fn a_forwarded_payload_is_parsed_by_the_provider_of_its_integration(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hub = connected(&mut app, "acme", "github", "c-1").await;
        connected(&mut app, "acme", "echo", "c-2").await;
        let answer = forward(&app, &issue("c-1", 7), "guid-1").await;
        assert_eq!(answer["duplicate"], false);

        // The same envelope for another connection, whose provider parses it.
        let events = json!({"events": [{"dedup_key": "k", "kind": "any", "title": "é 🍞"}]});
        let body = format!(
            r#"{{"type":"forward", "payload": {events}, "from":"github", "providerConfigKey":"github", "connectionId":"c-2"}}"#
        );
        taken(message(&app, DELIVERIES, body.as_bytes())).await;
        app.settled().await;

        let delivery = app.get("acme", &format!("/v1/inbox/{}", text(&answer["id"]))).await;
        assert_eq!(delivery["delivery"]["provider"], "github");
        assert_eq!(delivery["delivery"]["route"], "nango");
        assert_eq!(delivery["delivery"]["integration_id"], hub.as_str());
        assert_eq!(delivery["delivery"]["outcome"], "wanted by its trigger");
        let stored = text(&delivery["delivery"]["body"]);
        assert_eq!(stored.as_bytes(), issue("c-1", 7), "the bytes as they arrived");
        let names: Vec<_> = delivery["delivery"]["headers"].as_array().unwrap().iter().map(|h| text(&h["name"])).collect();
        assert!(names.contains(&"x-github-event".to_owned()), "{names:?}");
        assert!(!names.iter().any(|name| name.contains("signature") || name.contains("hmac")), "{names:?}");

        let mut titles: Vec<_> = app.all("acme", "/v1/events").await.iter().map(|event| text(&event["title"])).collect();
        titles.sort();
        assert_eq!(titles, ["[octo-org/octo-repo] Issue #7 opened: Issue 7", "é 🍞"]);
        app.stop().await;
    }

    async fn one_event_for_several_connections_starts_one_run_for_each(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        connected(&mut app, "acme", "github", "c-1").await;
        connected(&mut app, "acme", "github", "c-2").await;
        connected(&mut app, "other", "github", "c-3").await;
        for connection in ["c-1", "c-2", "c-3"] {
            let answer = forward(&app, &issue(connection, 7), "one-guid").await;
            assert_eq!(answer["duplicate"], false, "{connection}");
            let again = forward(&app, &issue(connection, 7), "one-guid").await;
            assert_eq!(again, json!({"id": answer["id"], "duplicate": true}));
        }
        // The same bytes with another id are another delivery.
        assert_eq!(forward(&app, &issue("c-1", 7), "second-guid").await["duplicate"], false);
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 3);
        assert_eq!(app.all("other", "/v1/runs").await.len(), 1);
        app.stop().await;
    }

    async fn a_delivery_to_both_urls_is_committed_once(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        connected(&mut app, "acme", "echo", "c-1").await;
        let events = json!({"events": [{"dedup_key": "k", "kind": "a", "title": "t"}]});
        let body = envelope("c-1", &events).to_string();
        let first = taken(message(&app, DELIVERIES, body.as_bytes())).await;
        let second = taken(message(&app, NEWS, body.as_bytes())).await;
        assert_eq!(second, json!({"id": first["id"], "duplicate": true}));
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1);
        app.stop().await;
    }

    async fn an_unattributed_payload_is_kept_with_a_reason_and_starts_nothing(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        connected(&mut app, "acme", "github", "c-1").await;
        let bare = github::issue("opened", 7);
        let no_connection = json!({"type": "forward", "from": "x", "providerConfigKey": "y", "payload": {}});
        let tomorrows = json!({"type": "tomorrows", "from": "x", "providerConfigKey": "y", "connectionId": "c-1"});
        forward(&app, &bare, "g-1").await;
        forward(&app, no_connection.to_string().as_bytes(), "g-2").await;
        forward(&app, tomorrows.to_string().as_bytes(), "g-3").await;
        forward(&app, &issue("c-unknown", 7), "g-4").await;
        app.settled().await;
        assert!(app.all("acme", "/v1/runs").await.is_empty());
        assert!(app.all("acme", "/v1/inbox").await.is_empty(), "nobody's");
        let mut kept = db.texts("select provider || ', ' || status || ': ' || outcome from inbox").await;
        kept.sort();
        assert_eq!(kept, [
            "nango, completed: Nango named no connection for this payload",
            "nango, completed: messages of the type \"tomorrows\" start no run",
            "nango, completed: no integration has the connection c-unknown of an-id-of-our-own",
            "nango, completed: the envelope names no connection",
        ]);
        app.stop().await;
    }

    async fn only_the_hmac_over_the_raw_bytes_counts(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        connected(&mut app, "acme", "github", "c-1").await;
        let body = issue("c-1", 7);
        let good = signature(SIGNING_KEY, &body);
        let mut other_body = body.clone();
        other_body[10] ^= 1;
        let legacy = "d".repeat(64);
        let cases: Vec<(Option<&str>, String)> = vec![
            (None, legacy),
            (Some("x-nango-hmac-sha256"), signature("another key", &body)),
            (Some("x-nango-hmac-sha256"), signature(SIGNING_KEY, &other_body)),
            (Some("x-nango-hmac-sha256"), good[..63].to_owned()),
            (Some("x-nango-hmac-sha256"), good.to_uppercase()),
            (Some("x-nango-hmac-sha256"), format!("sha256={good}")),
            (Some("x-nango-hmac-sha256"), String::new()),
            // Nango's older header, with the newer header's valid signature.
            (Some("x-nango-signature"), good.clone()),
        ];
        for path in [DELIVERIES, NEWS] {
            for (header, value) in &cases {
                let request = app.http.post(format!("{}{path}", app.url)).body(body.clone());
                let request = match header {
                    Some(header) => request.header(*header, value),
                    None => request,
                };
                let response = request.send().await.unwrap();
                assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{header:?}: {value}");
            }
        }
        assert_eq!(db.number("select count(*) from inbox").await, 0);
        app.stop().await;
    }

    async fn both_keys_are_accepted_while_one_replaces_the_other(db: &TestDb) {
        let app = TestApp::start_with(db, "[nango]\nsigning_key = ['the-new-one', 'the-old-one']").await;
        let body = issue("c-1", 7);
        for (key, expected) in [("the-new-one", 200), ("the-old-one", 200), (SIGNING_KEY, 401)] {
            let request = app.http.post(format!("{}{DELIVERIES}", app.url)).body(body.clone());
            let request = request.header("x-nango-hmac-sha256", signature(key, &body));
            assert_eq!(request.send().await.unwrap().status(), expected, "{key}");
        }
        app.stop().await;
    }

    async fn without_a_signing_key_nothing_is_accepted(db: &TestDb) {
        let app = TestApp::start_with(db, "[nango]\nsigning_key = ' '").await;
        let body = issue("c-1", 7);
        for key in ["", " ", SIGNING_KEY] {
            let request = app.http.post(format!("{}{DELIVERIES}", app.url)).body(body.clone());
            let request = request.header("x-nango-hmac-sha256", signature(key, &body));
            assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
        }
        app.stop().await;
    }

    async fn news_about_a_connection_changes_its_integration_on_both_routes(db: &TestDb) {
        for path in [NEWS, DELIVERIES] {
            let mut app = TestApp::start(db).await;
            let integration = connected(&mut app, "acme", "echo", "c-1").await;
            for (news, expected, reason) in [
                (auth("refresh", false), "error", json!("Nango could not refresh the credential: the grant was revoked")),
                (auth("override", false), "error", json!("Nango could not refresh the credential: the grant was revoked")),
                (auth("override", true), "active", Value::Null),
                (auth("refresh", false), "error", json!("Nango could not refresh the credential: the grant was revoked")),
                (auth("refresh", true), "active", Value::Null),
                (auth("deletion", true), "deleted", json!("the connection was deleted at Nango")),
                (auth("refresh", true), "deleted", json!("the connection was deleted at Nango")),
                (auth("creation", true), "active", Value::Null),
            ] {
                let answer = say(&app, path, &news).await;
                assert_eq!(status(&mut app, &integration).await, (expected.into(), reason), "{news}");
                if !(news["operation"] == "override" && news["success"] == false) {
                    assert_eq!(answer, json!({"integration_id": integration, "status": expected}));
                }
            }
            app.call("acme", Method::DELETE, &format!("/v1/integrations/{integration}"), None).await;
            let nobody = say(&app, path, &auth("creation", true)).await;
            assert_eq!(nobody, json!({"integration_id": null, "status": null}));
            app.stop().await;
        }
        assert_eq!(db.number("select count(*) from inbox").await, 0);
    }

    async fn a_sync_changes_nothing(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let integration = connected(&mut app, "acme", "echo", "c-1").await;
        let sync = json!({"type": "sync", "connectionId": "c-1", "providerConfigKey": "x",
            "syncName": "s", "model": "M", "success": false, "responseResults": {"added": 5}});
        say(&app, NEWS, &sync).await;
        assert_eq!(status(&mut app, &integration).await.0, "active");
        app.stop().await;
    }

    async fn deliveries_of_an_inactive_integration_start_no_run_and_say_why(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        connected(&mut app, "acme", "github", "c-1").await;
        for (number, (operation, success, shown)) in [("deletion", true, "deleted")].into_iter().enumerate() {
            say(&app, NEWS, &auth(operation, success)).await;
            let guid = format!("guid-{number}");
            let answer = forward(&app, &issue("c-1", 7), &guid).await;
            app.settled().await;
            let delivery = app.get("acme", &format!("/v1/inbox/{}", text(&answer["id"]))).await;
            assert_eq!(delivery["delivery"]["status"], "completed");
            assert_eq!(delivery["delivery"]["outcome"], format!("the integration's status is {shown}: it starts no run"));
        }
        assert!(app.all("acme", "/v1/runs").await.is_empty());
        say(&app, NEWS, &auth("creation", true)).await;
        forward(&app, &issue("c-1", 7), "guid-9").await;
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1);
        app.stop().await;
    }

    async fn a_suspension_by_a_person_is_not_lifted_by_nango(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let integration = connected(&mut app, "acme", "echo", "c-1").await;
        let path = format!("/v1/integrations/{integration}");
        app.call("acme", Method::PATCH, &path, Some(json!({"status": "suspended"}))).await;
        say(&app, NEWS, &auth("override", true)).await;
        assert_eq!(status(&mut app, &integration).await.0, "suspended");
        app.call("acme", Method::PATCH, &path, Some(json!({"status": "active"}))).await;
        say(&app, NEWS, &auth("refresh", false)).await;
        assert_eq!(status(&mut app, &integration).await.0, "error");
        let refused = app.call("acme", Method::PATCH, &path, Some(json!({"status": "error"}))).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        app.call("acme", Method::PATCH, &path, Some(json!({"status": "active"}))).await;
        assert_eq!(status(&mut app, &integration).await, ("active".into(), Value::Null));
        app.stop().await;
    }
}
