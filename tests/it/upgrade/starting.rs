//! A process that takes long to start says that it is alive and not ready.

use reqwest::StatusCode;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;
use triggerhouse_tests::db::release;
use triggerhouse_tests::{Kind, TestDb, app, eventually, process};

/// Waits for the turn to migrate, which nobody gives back.
const TURN: &str = "select pg_advisory_lock(x'7472696767657268'::bigint)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_is_alive_while_it_waits_for_a_migration() {
    let db = TestDb::create(Kind::Postgres).await;
    let held = db.hold(TURN).await;
    let (port, client) = (app::free_port(), triggerhouse_tests::client());
    let mut child = process::serve(&db, port, &[]);
    let get = async |path: &str| {
        let url = format!("http://127.0.0.1:{port}{path}");
        client.get(url).send().await
    };
    eventually("a live process", async || {
        get("/livez")
            .await
            .is_ok_and(|answer| answer.status() == StatusCode::OK)
    })
    .await;
    let ready = get("/readyz").await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body: Value = ready.json().await.unwrap();
    assert_eq!(body["starting"], true);
    let other = get("/v1/automations").await.unwrap();
    assert_eq!(other.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(other.headers()["retry-after"], "1");
    release(held).await;
    app::ready(&client, port).await;
    process::terminate(&child).await;
    child.wait().await.unwrap();
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_can_be_stopped_while_it_starts() {
    let db = TestDb::create(Kind::Postgres).await;
    let held = db.hold(TURN).await;
    let (port, client) = (app::free_port(), triggerhouse_tests::client());
    let mut child = process::serve(&db, port, &[]);
    eventually("a live process", async || {
        let url = format!("http://127.0.0.1:{port}/livez");
        client.get(url).send().await.is_ok()
    })
    .await;
    process::terminate(&child).await;
    let ended = timeout(Duration::from_secs(5), child.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(ended.success());
    release(held).await;
    db.remove().await;
}
