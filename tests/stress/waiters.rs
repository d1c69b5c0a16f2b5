//! Many consumers that wait cost the others nothing.

use serde_json::json;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use triggerhouse_tests::app::text;
use triggerhouse_tests::{Kind, TestApp, TestDb, eventually, github};

const WAITING: usize = 2_000;
const ORGS: usize = 20;
const DELIVERIES: u64 = 400;
/// The pause between two deliveries: 20 a second.
const PAUSE: Duration = Duration::from_millis(50);

/// The median time to the acknowledgement of a delivery.
async fn median(app: &TestApp, hook: &triggerhouse_tests::app::Hook, round: &str) -> Duration {
    let mut took = Vec::new();
    for number in 0..DELIVERIES {
        let body = github::issue("opened", number);
        let id = format!("{round}-{number}");
        let request = github::delivery(&app.http, &hook.url, &hook.secret, "issues", &id, &body);
        let began = Instant::now();
        assert_eq!(request.send().await.unwrap().status(), 200);
        took.push(began.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    took.sort_unstable();
    took[took.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_waiting_consumers_delay_no_acknowledgement() {
    let db = TestDb::create(Kind::Postgres).await;
    let mut app = TestApp::start_with(&db, "[outbox]\nwait_seconds_max = 600").await;
    let hook = app.hook("acme", "github", json!({})).await;
    median(&app, &hook, "warm").await;
    let alone = median(&app, &hook, "alone").await;
    let mut waiting = JoinSet::new();
    for number in 0..WAITING {
        let key = app.key(&format!("other-{}", number % ORGS)).await;
        let claim = json!({"max": 1, "lease_seconds": 60, "wait_seconds": 600});
        let request = app.http.post(format!("{}/v1/outbox/claim", app.url));
        let request = request.timeout(Duration::from_secs(600));
        waiting.spawn(request.bearer_auth(key).json(&claim).send());
    }
    eventually("waiting consumers", async || {
        let metrics = app.http.get(format!("{}/metrics", app.url)).send().await;
        let metrics = metrics.unwrap().text().await.unwrap();
        metrics.contains(&format!(
            "outbox_claims_total{{result=\"empty\"}} {WAITING}"
        ))
    })
    .await;
    let beside = median(&app, &hook, "beside").await;
    println!("acknowledgement p50: alone {alone:?}, beside {WAITING} consumers {beside:?}");
    assert!(beside <= alone.mul_f64(1.2), "{alone:?}, {beside:?}");
    // One of an organization's hundred consumers gets its run.
    let created = app
        .post("other-0", "/v1/automations", json!({"name": "a"}))
        .await;
    let path = format!("/v1/automations/{}/run", text(&created["automation"]["id"]));
    app.post("other-0", &path, json!({})).await;
    let answer = waiting.join_next().await.unwrap().unwrap().unwrap();
    let claimed: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(claimed["items"].as_array().unwrap().len(), 1);
    waiting.shutdown().await;
    app.stop().await;
    db.remove().await;
}
