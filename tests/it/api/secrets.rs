//! The rotation of webhook secrets, with and without an overlap.

use super::{pointers, refused};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use triggerhouse_tests::app::text;
use triggerhouse_tests::{TestApp, TestDb, eventually, github, on_both};

/// The status of the answer to a delivery that is signed with `secret`.
async fn answer(app: &TestApp, url: &str, secret: &str) -> StatusCode {
    let body = json!({"events": []}).to_string();
    let signature = github::signature(secret, body.as_bytes());
    let request = app.http.post(url).header("x-echo-signature", signature);
    request.body(body).send().await.unwrap().status()
}

/// A trigger and an integration: path, URL and first secret of each.
async fn subjects(app: &mut TestApp) -> [(String, String, String); 2] {
    let hook = app.hook("acme", "echo", json!({})).await;
    let body = json!({"provider": "echo", "secret": "the-first"});
    let created = app.post("acme", "/v1/integrations", body).await;
    let id = text(&created["integration"]["id"]);
    let url = text(&created["webhook_url"]);
    assert_eq!(url, format!("{}/webhooks/direct/echo/{id}", app.url));
    [
        (
            format!("/v1/triggers/{}", hook.trigger),
            hook.url,
            hook.secret,
        ),
        (format!("/v1/integrations/{id}"), url, "the-first".into()),
    ]
}

async fn rotated(app: &mut TestApp, path: &str, body: Value) -> Value {
    app.post("acme", &format!("{path}/rotate-secret"), body)
        .await
}

async fn secrets(db: &TestDb) -> i64 {
    db.number("select count(*) from webhook_secrets").await
}

on_both! {
    async fn both_secrets_are_accepted_until_the_overlap_ends(db: &TestDb) {
        // Only the rotation itself refreshes the routes.
        let mut app = TestApp::start_with(db, "[ingress]\nroutes_refresh_ms = 3600000").await;
        for (path, url, first) in subjects(&mut app).await {
            let answered = rotated(&mut app, &path, json!({})).await;
            let second = text(&answered["webhook_secret"]);
            assert_ne!(first, second);
            // The new secret first, because a refused request would refresh the routes.
            assert_eq!(answer(&app, &url, &second).await, StatusCode::OK, "{path}");
            assert_eq!(answer(&app, &url, &first).await, StatusCode::OK, "{path}");
            assert_eq!(answer(&app, &url, "neither").await, StatusCode::UNAUTHORIZED);

            // A shorter overlap also shortens the overlap of the first secret.
            let answered = rotated(&mut app, &path, json!({"overlap_seconds": 1})).await;
            let third = text(&answered["webhook_secret"]);
            eventually("the end of the overlap", async || {
                answer(&app, &url, &second).await == StatusCode::UNAUTHORIZED
            })
            .await;
            assert_eq!(answer(&app, &url, &first).await, StatusCode::UNAUTHORIZED, "{path}");
            assert_eq!(answer(&app, &url, &third).await, StatusCode::OK, "{path}");
        }
        assert_eq!(secrets(db).await, 6);
        app.stop().await;
    }

    async fn a_leaked_secret_is_refused_at_once_and_removed(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        for (path, url, first) in subjects(&mut app).await {
            let second = rotated(&mut app, &path, json!({})).await;
            let second = text(&second["webhook_secret"]);
            let third = rotated(&mut app, &path, json!({"overlap_seconds": 0})).await;
            let third = text(&third["webhook_secret"]);
            assert_eq!(answer(&app, &url, &third).await, StatusCode::OK, "{path}");
            for leaked in [first, second] {
                assert_eq!(answer(&app, &url, &leaked).await, StatusCode::UNAUTHORIZED, "{path}");
            }
        }
        assert_eq!(secrets(db).await, 2, "one each");
        app.stop().await;
    }

    async fn a_secret_made_by_the_service_is_accepted(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        for (path, url, first) in subjects(&mut app).await {
            let body = json!({"secret": "from-the-service", "overlap_seconds": 0});
            let answered = rotated(&mut app, &path, body).await;
            assert!(answered["webhook_secret"].is_null(), "a given secret is not shown");
            assert_eq!(answer(&app, &url, "from-the-service").await, StatusCode::OK);
            assert_eq!(answer(&app, &url, &first).await, StatusCode::UNAUTHORIZED);
        }
        app.stop().await;
    }

    async fn a_rotation_needs_no_body(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        for (path, url, first) in subjects(&mut app).await {
            let rotate = format!("{path}/rotate-secret");
            let response = app.call("acme", Method::POST, &rotate, None).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            let made: Value = response.json().await.unwrap();
            assert_eq!(answer(&app, &url, &text(&made["webhook_secret"])).await, StatusCode::OK);
            assert_eq!(answer(&app, &url, &first).await, StatusCode::OK, "for an hour");
        }
        app.stop().await;
    }

    async fn an_invalid_rotation_changes_nothing(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        for (path, url, first) in subjects(&mut app).await {
            let rotate = format!("{path}/rotate-secret");
            let body = json!({"overlap_seconds": 604_801});
            let problem = refused(&mut app, Method::POST, &rotate, body, StatusCode::UNPROCESSABLE_ENTITY).await;
            assert_eq!(pointers(&problem), ["/overlap_seconds"]);
            let body = json!({"secret": " "});
            let response = app.call("acme", Method::POST, &rotate, Some(body)).await;
            assert!(response.status().is_client_error(), "{path}");
            let response = app.call("other", Method::POST, &rotate, Some(json!({}))).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(answer(&app, &url, &first).await, StatusCode::OK, "{path}");
        }
        assert_eq!(secrets(db).await, 2);
        app.stop().await;
    }
}
