//! A replica that was paused for longer than its lease changes nothing when it resumes.

use super::process::Process;
use super::*;
use std::time::Duration;
use triggerhouse::lock::{Acquired, Locks, Renewed};
use triggerhouse_tests::redis;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_paused_past_its_lease_changes_nothing_when_it_wakes() {
    paused_past_its_lease("").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_paused_past_its_lock_changes_nothing_when_it_wakes() {
    paused_past_its_lease(&redis::shared()).await;
}

async fn paused_past_its_lease(redis_url: &str) {
    let db = TestDb::create(Kind::Postgres).await;
    let gmail = GmailServer::start().await;
    let mut app = TestApp::start_with(&db, "roles = ['api']").await;
    let integration = integration(&mut app).await;
    let short = "lease_seconds = 2";
    let start = async || Process::start_with(&db, &gmail, short, redis_url).await;
    let first = start().await;
    trigger(
        &mut app,
        &integration,
        json!({"poll_interval_seconds": 3600}),
    )
    .await;
    polled_since(&mut app, &json!({})).await;

    gmail.receive(10, "Mail");
    gmail.hold_after(3);
    let before = group(&mut app).await;
    let ask = format!("/v1/poll-groups/{}/poll-now", text(&before["id"]));
    app.post("acme", &ask, json!({})).await;
    gmail.held().await;
    first.signal("STOP");
    let second = start().await;
    let epoch = "select epoch from poll_groups";
    let of_first = db.number(epoch).await;
    triggerhouse_tests::eventually("a second claim", async || db.number(epoch).await > of_first)
        .await;
    gmail.release();
    polled_since(&mut app, &before).await;
    let everything = "select concat(epoch, ' ', due_at, ' ', lease_until, ' ', cursor, ' ', polled_at, ' ', failures, ' ', error) from poll_groups";
    let settled = db.texts(everything).await;
    assert_eq!(app.all("acme", "/v1/events").await.len(), 10);

    // Another replica holds the lock when the first one wakes, which must not release it.
    let id = text(&before["id"]);
    let theirs = match redis_url {
        "" => Locks::none(),
        url => Locks::new(url).unwrap(),
    };
    let theirs = theirs.acquire(&id, Duration::from_secs(60)).await;
    let Acquired::Held(theirs) = theirs else {
        panic!("the second replica has released it: {theirs:?}");
    };
    first.signal("CONT");
    first.says("a poll lost its claim").await;
    assert_eq!(theirs.renew().await, Renewed::Held);
    theirs.release().await;
    assert_eq!(db.texts(everything).await, settled);
    assert_eq!(app.all("acme", "/v1/events").await.len(), 10);
    assert_eq!(app.all("acme", "/v1/runs").await.len(), 10);

    // Both go on, and the next message becomes one event.
    gmail.receive(5, "Later");
    poll(&mut app).await;
    assert_eq!(app.all("acme", "/v1/runs").await.len(), 15);
    first.kill().await;
    second.kill().await;
    app.stop().await;
    db.remove().await;
}

on_both! {
    async fn an_expired_lease_writes_nothing_even_if_no_replica_took_over(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let mut app = TestApp::start_with(db, "roles = ['api']").await;
        let integration = integration(&mut app).await;
        trigger(&mut app, &integration, json!({"poll_interval_seconds": 3600})).await;
        let process = Process::start(db, &gmail, "lease_seconds = 1", "").await;
        polled_since(&mut app, &json!({})).await;
        gmail.receive(1, "Mail");
        gmail.hold_after(0);
        let before = group(&mut app).await;
        app.post("acme", &format!("/v1/poll-groups/{}/poll-now", text(&before["id"])), json!({})).await;
        gmail.held().await;
        process.signal("STOP");
        triggerhouse_tests::eventually("a lapsed lease", async || {
            group(&mut app).await["state"] == "waiting"
        }).await;
        process.signal("CONT");
        process.says("a poll lost its claim").await;
        gmail.release();
        // Then it claims the group again, like any replica.
        polled_since(&mut app, &before).await;
        let events = app.all("acme", "/v1/events").await;
        assert_eq!(events.len(), 1);
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1);
        process.kill().await;
        app.stop().await;
    }
}
