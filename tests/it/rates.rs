//! Rate limits: a sender over its quota gets 429, and other senders are unaffected.

use reqwest::StatusCode;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use triggerhouse_tests::app::Hook;
use triggerhouse_tests::db::release;
use triggerhouse_tests::{Kind, TestApp, TestDb, github, on_both};

async fn send(app: &TestApp, hook: &Hook, secret: &str, id: &str) -> reqwest::Response {
    let body = github::issue("opened", 1);
    let request = github::delivery(&app.http, &hook.url, secret, "issues", id, &body);
    request.send().await.unwrap()
}

/// A quota that refills too slowly to matter in a test.
const OF_SOURCE: &str = "[ingress]\nsource_per_second = 1\nsource_burst = 5\nunverified_burst = 20";

/// Sends until the quota is used up. Returns how many were accepted.
async fn exhaust(app: &TestApp, hook: &Hook, name: &str) -> usize {
    for number in 0..50 {
        let answer = send(app, hook, &hook.secret, &format!("{name}-{number}")).await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            let wait: u64 = answer.headers()["retry-after"]
                .to_str()
                .unwrap()
                .parse()
                .unwrap();
            assert!((1..=5).contains(&wait), "{wait}");
            let problem = answer.headers()["content-type"].to_str().unwrap();
            assert_eq!(problem, "application/problem+json");
            return number;
        }
        assert_eq!(answer.status(), StatusCode::OK);
    }
    panic!("nothing was refused");
}

on_both! {
    async fn a_source_over_its_quota_is_refused_alone(db: &TestDb) {
        let mut app = TestApp::start_with(db, OF_SOURCE).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let other = app.hook("acme", "github", json!({})).await;
        let taken = exhaust(&app, &hook, "a").await;
        assert!(taken >= 5, "{taken}");
        assert_eq!(send(&app, &other, &other.secret, "b-1").await.status(), StatusCode::OK);
        let rows = db.number("select count(*) from inbox").await;
        assert_eq!(rows, i64::try_from(taken).unwrap() + 1, "what was refused left no row");
        app.stop().await;
    }

    async fn an_organization_has_one_quota_for_all_its_sources(db: &TestDb) {
        let limits = "[ingress]\norganization_per_second = 1\norganization_burst = 4";
        let mut app = TestApp::start_with(db, limits).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let second = app.hook("acme", "github", json!({})).await;
        let other = app.hook("other", "github", json!({})).await;
        exhaust(&app, &hook, "a").await;
        let answer = send(&app, &second, &second.secret, "b-1").await;
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(send(&app, &other, &other.secret, "c-1").await.status(), StatusCode::OK);
        app.stop().await;
    }

    async fn an_app_has_one_quota_for_all_its_organizations(db: &TestDb) {
        let limits = "[ingress]\napp_per_second = 1\napp_burst = 4\nunverified_burst = 10";
        let mut app = TestApp::start_with(db, limits).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let apps = Hook {
            trigger: String::new(),
            url: format!("{}/api/webhooks/github-app", app.url),
            secret: github::APP_SECRET.into(),
        };
        let mut forged = Vec::new();
        for number in 0..40 {
            forged.push(send(&app, &apps, "forged", &format!("f-{number}")).await.status());
        }
        assert_eq!(forged[0], StatusCode::UNAUTHORIZED);
        assert!(forged.contains(&StatusCode::TOO_MANY_REQUESTS), "{forged:?}");
        assert!(exhaust(&app, &apps, "a").await >= 4, "what is signed is taken all the while");
        assert_eq!(send(&app, &hook, &hook.secret, "b-1").await.status(), StatusCode::OK);
        app.stop().await;
    }

    async fn forged_deliveries_use_up_no_quota(db: &TestDb) {
        let mut app = TestApp::start_with(db, OF_SOURCE).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let mut refused = 0;
        for number in 0..80 {
            let status = send(&app, &hook, "forged", &format!("f-{number}")).await.status();
            refused += usize::from(status == StatusCode::TOO_MANY_REQUESTS);
            assert!(status == StatusCode::UNAUTHORIZED || status == StatusCode::TOO_MANY_REQUESTS);
        }
        assert!(refused > 0, "forged deliveries have a quota of their own");
        for number in 0..5 {
            let answer = send(&app, &hook, &hook.secret, &format!("a-{number}")).await;
            assert_eq!(answer.status(), StatusCode::OK);
        }
        app.stop().await;
    }

    async fn over_the_quota_a_body_is_not_read(db: &TestDb) {
        let mut app = TestApp::start_with(db, OF_SOURCE).await;
        let hook = app.hook("acme", "github", json!({})).await;
        exhaust(&app, &hook, "a").await;
        let path = hook.url.strip_prefix(&app.url).unwrap();
        let mut stream = TcpStream::connect(app.app.address).await.unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 20000000\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 256];
        let read = timeout(Duration::from_secs(10), stream.read(&mut answer)).await.unwrap().unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 429"), "{:?}", String::from_utf8_lossy(&answer[..read]));
        app.stop().await;
    }
}

/// Concurrent requests. The writer holds one, and its queue another.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_at_once_and_acknowledges_only_committed_deliveries() {
    let db = TestDb::create(Kind::Postgres).await;
    let queue = "[ingress]\nqueue_deliveries_max = 1\nbatch_deliveries_max = 1";
    let mut app = TestApp::start_with(&db, queue).await;
    let hook = app.hook("acme", "github", json!({})).await;
    let held = db.hold("lock table inbox in access exclusive mode").await;
    let (answers, mut answered) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..AT_ONCE {
        let (id, answers) = (format!("d-{number}"), answers.clone());
        let body = github::issue("opened", 1);
        let request = github::delivery(&app.http, &hook.url, &hook.secret, "issues", &id, &body);
        tokio::spawn(async move { answers.send(request.send().await.unwrap()) });
    }
    for _ in 0..AT_ONCE - 2 {
        let answer = timeout(Duration::from_secs(10), answered.recv())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()["retry-after"], "1");
    }
    assert!(
        answered.try_recv().is_err(),
        "the others wait for their commit"
    );
    release(held).await;
    for _ in 0..2 {
        assert_eq!(answered.recv().await.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(db.number("select count(*) from inbox").await, 2);
    app.stop().await;
    db.remove().await;
}
