//! Ingress: accepted deliveries, refused deliveries, and the rows that they leave.

use reqwest::StatusCode;
use serde_json::{Value, json};
use triggerhouse_tests::app::Hook;
use triggerhouse_tests::{TestApp, TestDb, github, on_both};

/// Counts the whole table, including rows without an organization.
async fn rows(db: &TestDb) -> i64 {
    db.number("select count(*) from inbox").await
}

async fn send(app: &TestApp, hook: &Hook, id: &str, body: &[u8]) -> (StatusCode, Value) {
    let request = github::delivery(&app.http, &hook.url, &hook.secret, "issues", id, body);
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

on_both! {
    async fn a_signed_delivery_is_committed_and_its_repetition_is_a_duplicate(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let body = github::issue("opened", 1);
        let (status, first) = send(&app, &hook, "d-1", &body).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(first["duplicate"], false);
        let (status, second) = send(&app, &hook, "d-1", &body).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(second, json!({"id": first["id"], "duplicate": true}));
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/events").await.len(), 1);
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1);
        app.stop().await;
    }

    async fn a_burst_of_wrong_signatures_leaves_no_row(db: &TestDb) {
        let mut app = TestApp::start_with(db, "[ingress]\nunverified_burst = 1000").await;
        let hook = app.hook("acme", "github", json!({})).await;
        let body = github::issue("opened", 1);
        let forged = (0..200).map(|n| {
            let request = github::delivery(&app.http, &hook.url, "not the secret", "issues", &format!("f-{n}"), &body);
            tokio::spawn(async move { request.send().await.unwrap().status() })
        });
        for response in forged.collect::<Vec<_>>() {
            assert_eq!(response.await.unwrap(), StatusCode::UNAUTHORIZED);
        }
        let unsigned = app.http.post(&hook.url).body(body.clone()).send().await.unwrap();
        assert_eq!(unsigned.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(rows(db).await, 0);
        app.stop().await;
    }

    async fn a_source_without_a_secret_accepts_nothing(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let created = app.post("acme", "/v1/integrations", json!({"provider": "github"})).await;
        let id = created["integration"]["id"].as_str().unwrap().to_owned();
        let body = github::issue("opened", 1);
        for (path, secret) in [(format!("/webhooks/direct/github/{id}"), ""), ("/webhooks/direct/github".into(), "x")] {
            let url = format!("{}{path}", app.url);
            let response = github::delivery(&app.http, &url, secret, "issues", "d", &body).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
        }
        assert_eq!(rows(db).await, 0);
        app.stop().await;
    }

    async fn unknown_routes_are_404(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let body = github::issue("opened", 1);
        for path in ["/webhooks/t/nothing", "/webhooks/direct/nothing", "/webhooks/direct/github/int_0192f5c0a1b27c3d8e4f5a6b7c8d9e0f", "/webhooks/direct/github/nothing"] {
            let url = format!("{}{path}", app.url);
            let response = github::delivery(&app.http, &url, &hook.secret, "issues", "d", &body).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(rows(db).await, 0);
        app.call("acme", reqwest::Method::DELETE, &format!("/v1/triggers/{}", hook.trigger), None).await;
        triggerhouse_tests::eventually("404 for a deleted trigger", async || {
            send(&app, &hook, "d", &body).await.0 == StatusCode::NOT_FOUND
        })
        .await;
        app.stop().await;
    }

    async fn a_body_over_the_limit_is_413_whether_its_length_is_announced_or_not(db: &TestDb) {
        let mut app = TestApp::start_with(db, "[ingress]\nbody_bytes_max = 10000").await;
        let hook = app.hook("acme", "github", json!({})).await;
        let large = vec![b'x'; 10_001];
        let (status, _) = send(&app, &hook, "d-1", &large).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        let chunks = large.chunks(1000).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect::<Vec<_>>();
        let response = app
            .http
            .post(&hook.url)
            .header("x-hub-signature-256", github::signature(&hook.secret, &large))
            .body(reqwest::Body::wrap_stream(futures_util::stream::iter(chunks)))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let (status, _) = send(&app, &hook, "d-2", &vec![b'x'; 10_000]).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(rows(db).await, 1);
        app.stop().await;
    }

    async fn a_trigger_created_on_one_replica_works_on_the_other_at_once(db: &TestDb) {
        // On SQLite, two hosts share the file.
        let mut one = TestApp::start_with(db, "[ingress]\nroutes_refresh_ms = 3600000").await;
        let two = TestApp::start_with(db, "[ingress]\nroutes_refresh_ms = 3600000").await;
        for number in 0..10 {
            let mut hook = one.hook("acme", "github", json!({})).await;
            hook.url = hook.url.replace(&one.url, &two.url);
            let (status, _) = send(&two, &hook, &format!("d-{number}"), &github::issue("opened", number)).await;
            assert_eq!(status, StatusCode::OK);
        }
        one.stop().await;
        two.stop().await;
    }

    async fn a_handshake_is_answered_after_verification_and_not_stored(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "echo", json!({})).await;
        let body = json!({"challenge": "abc-123"}).to_string().into_bytes();
        let request = |secret: &str| {
            app.http.post(&hook.url).header("x-echo-signature", github::signature(secret, &body)).body(body.clone())
        };
        let forged = request("wrong").send().await.unwrap();
        assert_eq!(forged.status(), StatusCode::UNAUTHORIZED);
        let answered = request(&hook.secret).send().await.unwrap();
        assert_eq!(answered.status(), StatusCode::OK);
        assert_eq!(answered.text().await.unwrap(), "abc-123");
        assert_eq!(rows(db).await, 0);
        app.stop().await;
    }
}
