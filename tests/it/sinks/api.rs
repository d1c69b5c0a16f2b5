use super::*;
use reqwest::{Method, StatusCode};
use triggerhouse_tests::on_both;
use triggerhouse_tests::redis::shared;

async fn status(
    app: &mut TestApp,
    org: &str,
    method: Method,
    path: &str,
    body: Value,
) -> StatusCode {
    app.call(org, method, path, Some(body)).await.status()
}

on_both! {
    async fn an_organization_has_at_most_one_sink(db: &TestDb) {
        let mut app = TestApp::start_with(db, &format!("redis_url = '{}'", shared())).await;
        let http = json!({"kind": "http", "url": "https://example.com/hook"});
        let created = app.post("acme", "/v1/sinks", http.clone()).await;
        let path = format!("/v1/sinks/{}", text(&created["sink"]["id"]));
        assert!(text(&created["secret"]).starts_with("whsec_"));
        assert_eq!(status(&mut app, "acme", Method::POST, "/v1/sinks", http.clone()).await, StatusCode::CONFLICT);
        let shown = app.get("acme", &path).await;
        assert_eq!(shown, created["sink"]);
        assert!(shown.get("secret").is_none());
        assert_eq!(app.all("acme", "/v1/sinks").await, [shown]);
        assert!(app.all("other", "/v1/sinks").await.is_empty());
        let deleted = app.call("acme", Method::DELETE, &path, None).await;
        assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
        assert_eq!(app.call("acme", Method::GET, &path, None).await.status(), StatusCode::NOT_FOUND);
        let secrets = db.number("select count(*) from webhook_secrets").await;
        assert_eq!(secrets, 0, "its secret is gone with it");
        app.post("acme", "/v1/sinks", http).await;
        app.stop().await;
    }

    async fn a_sink_is_created_with_the_fields_of_its_kind_only(db: &TestDb) {
        let mut app = TestApp::start_with(db, &format!("redis_url = '{}'", shared())).await;
        for (body, pointer) in [
            (json!({"kind": "http"}), "/url"),
            (json!({"kind": "redis"}), "/stream"),
            (json!({"kind": "http", "url": "https://example.com", "stream": "s"}), "/stream"),
            (json!({"kind": "redis", "url": "https://example.com", "stream": "s"}), "/url"),
            (json!({"kind": "redis", "stream": ""}), "/stream"),
            (json!({"kind": "redis", "stream": "a b"}), "/stream"),
            (json!({"kind": "redis", "stream": "triggerhouse:poll:x"}), "/stream"),
            (json!({"kind": "redis", "stream": "s".repeat(201)}), "/stream"),
            (json!({"kind": "http", "url": format!("https://example.com/{}", "a".repeat(2_048))}), "/url"),
        ] {
            let refused = app.call("acme", Method::POST, "/v1/sinks", Some(body.clone())).await;
            assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            let problem: Value = refused.json().await.unwrap();
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        }
        let created = app.post("acme", "/v1/sinks", json!({"kind": "redis", "stream": "mine"})).await;
        let path = format!("/v1/sinks/{}", text(&created["sink"]["id"]));
        let url = json!({"url": "https://example.com"});
        assert_eq!(status(&mut app, "acme", Method::PATCH, &path, url).await, StatusCode::UNPROCESSABLE_ENTITY);
        let rotate = format!("{path}/rotate-secret");
        assert_eq!(status(&mut app, "acme", Method::POST, &rotate, json!({})).await, StatusCode::CONFLICT);
        let theirs = json!({"kind": "redis", "stream": "mine"});
        assert_eq!(status(&mut app, "other", Method::POST, "/v1/sinks", theirs).await, StatusCode::CONFLICT);
        app.stop().await;
    }

    async fn a_redis_sink_needs_a_configured_redis(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let body = json!({"kind": "redis", "stream": "s"});
        let refused = app.call("acme", Method::POST, "/v1/sinks", Some(body)).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["errors"][0]["pointer"], "/kind");
        app.stop().await;
    }

    async fn claims_get_409_until_the_sink_is_disabled(db: &TestDb) {
        let mut app = TestApp::start_with(db, "roles = ['api']").await;
        start_runs(&mut app, "acme", 1).await;
        let created = app.post("acme", "/v1/sinks", json!({"kind": "http", "url": "https://example.com/"})).await;
        let claim = json!({"max": 1, "lease_seconds": 60});
        assert_eq!(status(&mut app, "acme", Method::POST, "/v1/outbox/claim", claim.clone()).await, StatusCode::CONFLICT);
        let other = app.post("other", "/v1/outbox/claim", claim.clone()).await;
        assert_eq!(other["items"], json!([]), "another organization's sink is its own");
        let path = format!("/v1/sinks/{}", text(&created["sink"]["id"]));
        assert_eq!(status(&mut app, "acme", Method::PATCH, &path, json!({"enabled": false})).await, StatusCode::OK);
        let claimed = app.post("acme", "/v1/outbox/claim", claim).await;
        assert_eq!(claimed["items"].as_array().unwrap().len(), 1);
        app.stop().await;
    }
}
