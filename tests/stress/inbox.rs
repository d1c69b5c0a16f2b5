//! Memory: a backlog of large bodies after a restart.

use reqwest::StatusCode;
use serde_json::json;
use triggerhouse_tests::{Kind, TestApp, TestDb, app, eventually, github, process};

const BODIES: usize = 60;
const BODY_BYTES: usize = 20 << 20;
/// The default of `[inbox] in_flight_bytes_max`.
const BUDGET_MB: u64 = 256;
/// Memory of the process apart from bodies.
const REST_MB: u64 = 300;

/// The most memory that a process had so far, in MB.
fn peak_mb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    let kb: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kb / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_of_large_bodies_stays_within_its_memory() {
    let db = TestDb::create(Kind::Postgres).await;
    let mut door = TestApp::start_with(&db, "roles = ['ingress', 'api']").await;
    let hook = door.hook("acme", "echo", json!({})).await;
    let padding = "x".repeat(BODY_BYTES);
    for number in 0..BODIES {
        let key = format!("k{number}");
        let body =
            json!({"events": [{"dedup_key": key, "kind": "a", "title": "t"}], "padding": padding})
                .to_string();
        let signature = github::signature(&hook.secret, body.as_bytes());
        let request = door
            .http
            .post(&hook.url)
            .header("x-echo-signature", signature);
        assert_eq!(
            request.body(body).send().await.unwrap().status(),
            StatusCode::OK
        );
    }
    let port = app::free_port();
    let child = process::serve(&db, port, &[("ROLES", "['workers']")]);
    let pid = child.id().unwrap();
    eventually("the end of the backlog", async || {
        db.number("select count(*) from inbox where processed_at is not null")
            .await
            == BODIES as i64
    })
    .await;
    let (peak, runs) = (peak_mb(pid), db.number("select count(*) from runs").await);
    println!(
        "{BODIES} bodies of {} MB: {runs} runs, peak {peak} MB",
        BODY_BYTES >> 20
    );
    assert!(peak < BUDGET_MB + REST_MB, "{peak} MB");
    drop(child);
    door.stop().await;
    db.remove().await;
}
