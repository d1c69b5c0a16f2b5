//! The inbox under pressure: locks that outlast leases, tenants with long queues, snapshots
//! that are held.

use reqwest::StatusCode;
use serde_json::json;
use std::time::Duration;
use triggerhouse::domain::{Lane, OrgId, TriggerId, WorkerId};
use triggerhouse::store::{LaneShare, PackedDelivery};
use triggerhouse_tests::app::Hook;
use triggerhouse_tests::claims::MEMORY;
use triggerhouse_tests::db::release;
use triggerhouse_tests::{Kind, TestApp, TestDb, eventually, github, on_both};

use crate::store::{T0, completed, delivery};

async fn send(app: &TestApp, hook: &Hook, id: &str, body: &str) {
    let signature = github::signature(&hook.secret, body.as_bytes());
    let request = app
        .http
        .post(&hook.url)
        .header("x-echo-signature", signature)
        .header("x-echo-delivery", id)
        .body(body.to_owned());
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

fn event(key: &str) -> String {
    json!({"events": [{"dedup_key": key, "kind": "a", "title": "t"}]}).to_string()
}

/// A lock of three leases on one of the tables that a settlement writes, with two replicas.
async fn outlast_a_lock(table: &str) {
    let db = TestDb::create(Kind::Postgres).await;
    let settings = "[inbox]\nlease_seconds = 1";
    let mut one = TestApp::start_with(&db, settings).await;
    let two = TestApp::start_with(&db, settings).await;
    // One trigger wants each delivery, the other one none.
    let body = json!({"provider": "echo", "secret": "s"});
    let integration = one.post("acme", "/v1/integrations", body).await;
    let hook = Hook {
        trigger: String::new(),
        url: integration["webhook_url"].as_str().unwrap().to_owned(),
        secret: "s".into(),
    };
    for config in [json!({}), json!({"kinds": ["none"]})] {
        let body = json!({"name": "t", "provider": "echo", "kind": "webhook", "config": config,
            "integration_id": integration["integration"]["id"]});
        one.post("acme", "/v1/triggers", body).await;
    }
    let lock = db.hold(&format!("lock table {table} in share mode")).await;
    for number in 0..20 {
        let key = format!("k{number}");
        send(&one, &hook, &key, &event(&key)).await;
    }
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    let held = "select count(*) from inbox_queue where worker is not null and attempt = 1";
    assert_eq!(
        db.number(held).await,
        20,
        "nobody claims what a live worker holds"
    );
    release(lock).await;
    one.settled().await;
    let events = "select count(*) from events";
    assert_eq!(db.number(events).await, 40, "one event for each trigger");
    assert_eq!(db.number("select count(*) from runs").await, 20);
    let done = "select count(*) from inbox where status = 'completed' and attempt = 1";
    assert_eq!(
        db.number(done).await,
        20,
        "no dead letter, and no attempt used up"
    );
    one.stop().await;
    two.stop().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_on_events_makes_deliveries_late_and_nothing_else() {
    outlast_a_lock("events").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_on_runs_makes_deliveries_late_and_nothing_else() {
    outlast_a_lock("runs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_on_the_outbox_makes_deliveries_late_and_nothing_else() {
    outlast_a_lock("outbox").await;
}

on_both! {
    async fn a_tenants_long_queue_delays_nobody_else(db: &TestDb) {
        let mut door = TestApp::start_with(db, "roles = ['ingress', 'api']").await;
        let (long, short) = (door.hook("acme", "echo", json!({})).await, door.hook("other", "echo", json!({})).await);
        let store = db.store().await;
        let trigger: TriggerId = long.trigger.parse().unwrap();
        let batch: Vec<PackedDelivery> = (0..3_000)
            .map(|number| {
                let mut new = delivery(trigger, None, event(&format!("k{number}")).as_bytes());
                new.origin.org = Some("acme".parse().unwrap());
                new.lane = Lane::of_org(&"acme".parse().unwrap());
                PackedDelivery::new(new)
            })
            .collect();
        for part in batch.chunks(500) {
            store.receive(part).await.unwrap();
        }
        send(&door, &short, "d-1", &event("k")).await;
        let worker = TestApp::start_with(db, "roles = ['workers']").await;
        let of_other = "select count(*) from runs where org_id = 'other'";
        eventually("the other tenant's run", async || db.number(of_other).await == 1).await;
        let waiting = db.number("select count(*) from inbox_queue").await;
        assert!(waiting > 1_000, "it did not wait for the long queue, of which {waiting} wait");
        worker.stop().await;
        store.close().await;
        door.stop().await;
    }
}

/// The blocks of the index that a claim which begins at `from` reads.
async fn blocks_read(db: &TestDb, org: &OrgId, from: i64) -> i64 {
    let plan = db
        .texts(&format!(
            "explain (analyze, buffers, costs off, timing off, summary off)
             select id from inbox_queue where lane = '{}' and due_at is null and worker is null
                and position >= {from} order by position limit 10",
            Lane::of_org(org).0
        ))
        .await;
    let text = plan.join("\n");
    assert!(text.contains("inbox_queue_ready"), "{text}");
    assert!(!text.contains("Sort"), "{text}");
    let shared = text.split("shared hit=").nth(1).unwrap();
    let digits: String = shared.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_reads_nothing_of_what_a_held_snapshot_keeps() {
    let db = TestDb::create(Kind::Postgres).await;
    let store = db.store().await;
    let org: OrgId = "acme".parse().unwrap();
    let share = |from| LaneShare {
        lane: Lane::of_org(&org),
        from,
        rows_max: 500,
        bytes_max: 1 << 30,
    };
    let snapshot = db
        .hold("set transaction isolation level repeatable read; select count(*) from inbox_queue")
        .await;
    let (trigger, worker) = (TriggerId::new(), WorkerId::new());
    let mut from = i64::MIN;
    for _ in 0..20 {
        let batch: Vec<_> = (0..500)
            .map(|_| PackedDelivery::new(delivery(trigger, None, b"{}")))
            .collect();
        store.receive(&batch).await.unwrap();
        let claim = store.claim_deliveries(worker, &[share(from)], MEMORY).await;
        let claim = claim.unwrap();
        assert_eq!(claim.deliveries.len(), 500);
        from = claim.lanes[&Lane::of_org(&org)].first;
        let done: Vec<_> = claim
            .deliveries
            .iter()
            .map(|delivery| completed(delivery.id, delivery.attempt, vec![]))
            .collect();
        assert_eq!(store.settle(&done, T0).await.unwrap().deliveries.len(), 500);
    }
    store
        .receive(&[PackedDelivery::new(delivery(trigger, None, b"{}"))])
        .await
        .unwrap();
    let (whole, rest) = (
        blocks_read(&db, &org, i64::MIN).await,
        blocks_read(&db, &org, from).await,
    );
    assert!(
        whole > 5 * rest,
        "{whole} blocks from the start, {rest} from the place"
    );
    release(snapshot).await;
    store.close().await;
    db.remove().await;
}
