//! Background tasks that die: a worker starts again, and the end of the writer is the end of
//! the process.

use reqwest::StatusCode;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::timeout;
use triggerhouse_tests::{Kind, TestApp, TestDb, eventually, github};

/// A log that makes the task panic which writes this message for the first time.
#[derive(Clone)]
struct Poison {
    message: &'static str,
    is_taken: Arc<AtomicBool>,
}

impl io::Write for Poison {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        if text.contains(self.message) && !self.is_taken.swap(true, Ordering::Relaxed) {
            panic!("poisoned");
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Poison {
    /// Holds for the thread of the test, on which all of its tasks run.
    fn on(message: &'static str) -> impl Drop {
        let poison = Self {
            message,
            is_taken: Arc::default(),
        };
        let log = tracing_subscriber::fmt()
            .with_env_filter("triggerhouse=debug")
            .with_ansi(false)
            .with_writer(move || poison.clone());
        tracing::subscriber::set_default(log.finish())
    }
}

#[tokio::test]
async fn a_worker_whose_settler_panics_starts_again_and_loses_nothing() {
    let db = TestDb::create(Kind::Postgres).await;
    let poison = Poison::on("settled deliveries=");
    let settings = "[inbox]\nlease_seconds = 3\ndelivery_seconds_max = 1";
    let mut app = TestApp::start_with(&db, settings).await;
    let hook = app.hook("acme", "github", json!({})).await;
    let send = async |id: &str| {
        let body = github::issue("opened", 1);
        let request = github::delivery(&app.http, &hook.url, &hook.secret, "issues", id, &body);
        request.send().await.unwrap().status()
    };
    assert_eq!(send("d-1").await, StatusCode::OK);
    eventually("a worker that is about to start again", async || {
        let ready = app.http.get(format!("{}/readyz", app.url)).send().await;
        let ready = ready.unwrap();
        assert_eq!(
            ready.status(),
            StatusCode::OK,
            "webhooks are still accepted"
        );
        let body: Value = ready.json().await.unwrap();
        body["restarting"] == json!(["inbox worker"])
    })
    .await;
    assert_eq!(send("d-2").await, StatusCode::OK);
    eventually("two runs", async || {
        db.number("select count(*) from runs").await == 2
    })
    .await;
    let metrics = app.http.get(format!("{}/metrics", app.url)).send().await;
    let metrics = metrics.unwrap().text().await.unwrap();
    assert!(metrics.contains("triggerhouse_task_restarts_total{task=\"inbox worker\"}"));
    app.settled().await;
    assert_eq!(db.number("select count(*) from events").await, 2);
    drop(poison);
    app.stop().await;
    db.remove().await;
}

#[tokio::test]
async fn the_end_of_the_writer_ends_the_process() {
    let db = TestDb::create(Kind::Postgres).await;
    let poison = Poison::on("could not commit deliveries; trying again");
    let mut app = TestApp::start(&db).await;
    let hook = app.hook("acme", "github", json!({})).await;
    let running = timeout(Duration::from_millis(100), app.app.fallen());
    assert!(running.await.is_err());
    db.execute("alter table inbox rename to elsewhere").await;
    let body = github::issue("opened", 1);
    let request = github::delivery(&app.http, &hook.url, &hook.secret, "issues", "d", &body);
    let status = request.send().await.unwrap().status();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "not acknowledged");
    let fallen = timeout(Duration::from_secs(5), app.app.fallen());
    assert_eq!(fallen.await.unwrap(), "writer");
    drop(poison);
    app.stop().await;
    db.remove().await;
}
