//! Shutdown of a real process: it gives notice, serves meanwhile, finishes its claims,
//! and releases the others.

use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use triggerhouse_tests::{TestApp, app, eventually, github, on_both, process};

on_both! {
    async fn readiness_fails_before_requests_are_refused(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let in_process = app.url.clone();
        app.stop().await;
        let (port, client) = (app::free_port(), triggerhouse_tests::client());
        let mut child = process::serve(db, port, &[("SHUTDOWN_NOTICE_SECONDS", "3")]);
        app::ready(&client, port).await;
        let base = format!("http://127.0.0.1:{port}");
        let url = hook.url.replace(&in_process, &base);
        let send = async |id: &str| {
            let body = github::issue("opened", 1);
            github::delivery(&client, &url, &hook.secret, "issues", id, &body).send().await
        };
        assert_eq!(send("d-1").await.unwrap().status(), StatusCode::OK);

        process::terminate(&child).await;
        eventually("a host that says it stops", async || {
            let answer = client.get(format!("{base}/readyz")).send().await.unwrap();
            let status = answer.status();
            let body: Value = answer.json().await.unwrap();
            status == StatusCode::SERVICE_UNAVAILABLE && body["stopping"] == true
        })
        .await;
        assert_eq!(client.get(format!("{base}/livez")).send().await.unwrap().status(), StatusCode::OK);
        assert_eq!(send("d-2").await.unwrap().status(), StatusCode::OK, "still taken");

        let ended = timeout(Duration::from_secs(20), child.wait()).await.unwrap().unwrap();
        assert!(ended.success());
        assert!(send("d-3").await.is_err());
        assert_eq!(db.number("select count(*) from inbox").await, 2);
        let held = "select count(*) from inbox_queue where worker is not null";
        assert_eq!(db.number(held).await, 0, "nothing waits for a lease");
    }

    async fn an_unfinished_delivery_is_released_without_an_attempt(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "echo", json!({})).await;
        let in_process = app.url.clone();
        app.stop().await;
        let (port, client) = (app::free_port(), triggerhouse_tests::client());
        let mut child = process::serve(db, port, &[
            ("SHUTDOWN_NOTICE_SECONDS", "0"),
            ("SHUTDOWN_SECONDS_MAX", "3"),
            // Far more time than the process has left.
            ("ENGINE_CALL_WALL_MS", "60000"),
            ("INBOX_DELIVERY_SECONDS_MAX", "60"),
            ("INBOX_LEASE_SECONDS", "150"),
        ]);
        app::ready(&client, port).await;
        let url = hook.url.replace(&in_process, &format!("http://127.0.0.1:{port}"));
        let body = r#"{"do": "sleep"}"#;
        let signature = github::signature(&hook.secret, body.as_bytes());
        let sent = client.post(&url).header("x-echo-signature", signature).body(body);
        assert_eq!(sent.send().await.unwrap().status(), StatusCode::OK);
        let held = "select count(*) from inbox_queue where worker is not null";
        eventually("a delivery under way", async || db.number(held).await == 1).await;

        let begun = Instant::now();
        process::terminate(&child).await;
        let ended = timeout(Duration::from_secs(20), child.wait()).await.unwrap().unwrap();
        assert!(ended.success());
        assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
        assert_eq!(db.number(held).await, 0, "its lease is released");
        let free = "select count(*) from inbox_queue where due_at is null and worker is null and tries = 0";
        assert_eq!(db.number(free).await, 1, "due at once, and this was no attempt");
    }
}
