use super::*;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use triggerhouse_tests::receiver::Answer;
use triggerhouse_tests::{app, client, files, on_both, process};

const KEY: &str = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI=";
const RUNS: usize = 60;
const KILLS: usize = 3;

/// A dispatcher in its own process.
async fn dispatcher(db: &TestDb, settings: &str) -> Child {
    let port = app::free_port();
    let config = format!(
        "listen = '127.0.0.1:{port}'\ndatabase_url = '{}'\nroles = ['dispatcher']\n{settings}",
        db.url
    );
    let path = db.directory.path().join(format!("{port}.toml"));
    std::fs::write(&path, config).unwrap();
    let child = Command::new(files::binary())
        .args(["serve", "--config", path.to_str().unwrap()])
        .env("TRIGGERHOUSE_MASTER_KEY", KEY)
        .current_dir(db.directory.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    app::ready(&client(), port).await;
    child
}

on_both! {
    async fn a_dispatcher_killed_in_a_burst_loses_no_message(db: &TestDb) {
        let receiver = Receiver::answering(Answer::Slow(Duration::from_millis(30))).await;
        let more = "timeout_ms = 2000\nlease_seconds = 4\nper_sink_in_flight_max = 4\ncircuit_failures = 1000";
        let settings = settings(&[&receiver], more);
        let mut desk = TestApp::start_with(db, &format!("roles = ['api']\n{settings}")).await;
        sink(&mut desk, "acme", &receiver).await;
        let messages = start_runs(&mut desk, "acme", RUNS).await;
        for kill in 1..=KILLS {
            let mut process = dispatcher(db, &settings).await;
            let enough = kill * RUNS / (KILLS + 2);
            eventually("a burst", async || receiver.ids().len() >= enough).await;
            process.kill().await.unwrap();
        }
        let _last = dispatcher(db, &settings).await;
        all_sent(db).await;
        assert_eq!(receiver.ids(), messages.into_iter().collect());
        let twice = receiver.count() - RUNS;
        assert!(twice <= KILLS * 4, "{twice}: only what was under way is sent again");
        for received in receiver.received() {
            assert_eq!(received.header("idempotency-key"), received.id().replace("out_", "run_"));
        }
        desk.stop().await;
    }

    async fn a_stopping_dispatcher_finishes_what_it_sends(db: &TestDb) {
        const UNDER_WAY: usize = 4;
        let receiver = Receiver::answering(Answer::Slow(Duration::from_millis(400))).await;
        let more = format!("per_sink_in_flight_max = {UNDER_WAY}\nlease_seconds = 600");
        let settings = settings(&[&receiver], &more);
        let mut desk = TestApp::start_with(db, &format!("roles = ['api']\n{settings}")).await;
        sink(&mut desk, "acme", &receiver).await;
        start_runs(&mut desk, "acme", RUNS).await;
        let mut process = dispatcher(db, &format!("shutdown_notice_seconds = 0\n{settings}")).await;
        eventually("a burst", async || receiver.count() >= 2 * UNDER_WAY).await;
        process::terminate(&process).await;
        let ended = tokio::time::timeout(Duration::from_secs(20), process.wait());
        assert!(ended.await.unwrap().unwrap().success());
        // Every message that it began to send was answered and settled.
        let held = "select count(*) from outbox where status = 'processing'";
        assert_eq!(db.number(held).await, 0, "nothing waits for a lease");
        let sent = "select count(*) from outbox where status = 'dispatched'";
        assert_eq!(db.number(sent).await, i64::try_from(receiver.count()).unwrap());
        assert!(receiver.count() < RUNS, "and it began nothing more");
        assert_eq!(receiver.ids().len(), receiver.count(), "no message twice");
        desk.stop().await;
    }
}
