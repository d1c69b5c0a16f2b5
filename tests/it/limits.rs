//! Slow clients, silent clients, and too many clients.

use reqwest::StatusCode;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use triggerhouse_tests::app::Hook;
use triggerhouse_tests::{TestApp, claim_deliveries, eventually, github, on_both};

/// A request to the hook whose headers announce `announced` bytes.
async fn begin(app: &TestApp, hook: &Hook, announced: usize) -> TcpStream {
    let path = hook.url.strip_prefix(&app.url).unwrap();
    let mut stream = TcpStream::connect(app.app.address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {announced}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // 100 Continue: the server starts to read the body.
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 100"));
    stream
}

async fn deliver(app: &TestApp, hook: &Hook, id: &str) -> reqwest::Response {
    let body = github::issue("opened", 1);
    let request = github::delivery(&app.http, &hook.url, &hook.secret, "issues", id, &body);
    request.send().await.unwrap()
}

on_both! {
    async fn a_half_sent_request_leaves_workers_their_time_to_stop(db: &TestDb) {
        let mut app = TestApp::start_with(db, "shutdown_seconds_max = 4").await;
        let hook = app.hook("acme", "github", json!({})).await;
        let mut slow = begin(&app, &hook, 100).await;
        slow.write_all(b"half").await.unwrap();
        for number in 0..50 {
            assert_eq!(deliver(&app, &hook, &format!("d-{number}")).await.status(), StatusCode::OK);
        }
        let begun = Instant::now();
        app.stop().await;
        assert!(begun.elapsed() < Duration::from_millis(3500), "{:?}", begun.elapsed());
        let store = db.store().await;
        let later = triggerhouse::clock::now() + Duration::from_secs(3600);
        let left = claim_deliveries(&store, later, Duration::from_secs(1), 100).await;
        assert!(left.iter().all(|delivery| delivery.attempt == 1), "nothing is left half done");
        store.close().await;
        drop(slow);
    }

    async fn a_connection_without_a_complete_request_is_closed(db: &TestDb) {
        let app = TestApp::start_with(db, "[ingress]\nrequest_timeout_ms = 300").await;
        for sent in ["", "PRI * HTTP", "GET / HTTP/1.1\r\n"] {
            let mut stream = TcpStream::connect(app.app.address).await.unwrap();
            stream.write_all(sent.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let closed = timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
            assert!(closed.is_ok(), "after {sent:?}");
        }
        app.stop().await;
    }

    async fn a_connection_over_the_limit_waits_for_another_to_close(db: &TestDb) {
        let app = TestApp::start_with(db, "[ingress]\nconnections_max = 1\nrequest_timeout_ms = 2000").await;
        let url = format!("{}/livez", app.url);
        let first = TcpStream::connect(app.app.address).await.unwrap();
        let second = app.http.get(&url).send();
        let mut second = tokio::spawn(second);
        assert!(timeout(Duration::from_millis(500), &mut second).await.is_err(), "there is no room");
        drop(first);
        assert!(timeout(Duration::from_secs(1), second).await.unwrap().unwrap().unwrap().status().is_success());
        app.stop().await;
    }

    async fn bodies_over_the_limit_of_bytes_get_503_until_others_are_read(db: &TestDb) {
        let mut app = TestApp::start_with(db, "[ingress]\nreading_bytes_max = 131072\nbody_bytes_max = 100000").await;
        let hook = app.hook("acme", "github", json!({})).await;
        let idle = begin(&app, &hook, 90_000).await;
        assert_eq!(deliver(&app, &hook, "d-0").await.status(), StatusCode::OK, "announcing takes no room");
        drop(idle);
        // A probe that arrives while the slow body is being read may take its room, and
        // the slow one is refused instead. Repeat until the slow one is first.
        let mut tries = 0;
        let slow = loop {
            let mut slow = begin(&app, &hook, 90_000).await;
            slow.write_all(&[b'x'; 70_000]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            if deliver(&app, &hook, "d-1").await.status() == StatusCode::SERVICE_UNAVAILABLE {
                break slow;
            }
            tries += 1;
            assert!(tries < 200, "there is always room");
        };
        assert_eq!(deliver(&app, &hook, "e").await.headers()["retry-after"], "1");
        drop(slow);
        eventually("room again", async || deliver(&app, &hook, "e").await.status() == StatusCode::OK).await;
        app.stop().await;
    }

    async fn a_body_that_does_not_arrive_in_time_gets_400(db: &TestDb) {
        let mut app = TestApp::start_with(db, "[ingress]\nrequest_timeout_ms = 200").await;
        let hook = app.hook("acme", "github", json!({})).await;
        let mut slow = begin(&app, &hook, 100).await;
        let mut answer = [0; 64];
        let read = slow.read(&mut answer).await.unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 400"));
        app.stop().await;
    }
}
