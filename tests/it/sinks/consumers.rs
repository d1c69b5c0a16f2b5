//! Real consumers, as processes, that crash at each point of their work.

use super::*;
use std::collections::HashMap;
use std::path::Path;
use tokio::process::{Child, Command};
use triggerhouse_tests::app::free_port;
use triggerhouse_tests::on_both;
use triggerhouse_tests::redis::shared;

const RUNS: usize = 6;

/// How runs reach their consumers, and where.
#[derive(Clone)]
struct Way {
    kind: &'static str,
    port: u16,
    stream: String,
}

impl Way {
    fn of(kind: &'static str) -> Self {
        let port = match kind {
            "redis" => shared()
                .rsplit([':', '/'])
                .find_map(|part| part.parse().ok())
                .unwrap(),
            _ => free_port(),
        };
        let stream = format!("work-{}", uuid::Uuid::now_v7().simple());
        Self { kind, port, stream }
    }

    fn settings(&self) -> String {
        format!(
            "redis_url = '{}'\n[runs]\npoll_ms = 50\n[sinks]\nallow_hosts = ['127.0.0.1:{}']\n\
             retry_base_ms = 20\nretry_max_ms = 50\npoll_ms = 20\ncircuit_failures = 1000\n\
             per_sink_in_flight_max = 2\nattempts_max = 1000",
            shared(),
            self.port
        )
    }

    fn sink(&self) -> Option<Value> {
        match self.kind {
            "pull" => None,
            "http" => {
                Some(json!({"kind": "http", "url": format!("http://127.0.0.1:{}/", self.port)}))
            }
            _ => Some(json!({"kind": "redis", "stream": self.stream})),
        }
    }

    async fn consumer(&self, app: &mut TestApp, log: &Path, crash: &str) -> Child {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("consumers/consumer.py");
        let key = app.key("acme").await;
        Command::new("python3")
            .arg(script)
            .args([self.kind, &app.url, &key])
            .arg(log)
            .args([crash, &self.port.to_string(), &self.stream])
            .kill_on_drop(true)
            .spawn()
            .expect("python3, in which the consumer is written")
    }
}

/// Consumers crash at each point, one after the other; the last one does the rest.
async fn every_run_is_done_once_at_a_time(db: &TestDb, kind: &'static str) {
    let way = Way::of(kind);
    let mut app = TestApp::start_with(db, &way.settings()).await;
    if let Some(sink) = way.sink() {
        app.post("acme", "/v1/sinks", sink).await;
    }
    start_runs(&mut app, "acme", RUNS).await;
    let log = db.directory.path().join("work.log");
    for crash in ["claim", "start", "complete"] {
        let mut consumer = way.consumer(&mut app, &log, crash).await;
        let ended = tokio::time::timeout(std::time::Duration::from_secs(30), consumer.wait());
        assert!(!ended.await.expect("a crash").unwrap().success(), "{crash}");
    }
    let mut last = way.consumer(&mut app, &log, "never").await;
    eventually("every run", async || {
        let done = app.all("acme", "/v1/runs?status=succeeded").await;
        done.len() == RUNS
    })
    .await;
    last.kill().await.unwrap();
    // A run that began twice was left by somebody who is dead by then; nobody works on
    // one that is being worked on, or is done.
    let mut workers: HashMap<String, Vec<String>> = HashMap::new();
    for line in std::fs::read_to_string(&log).unwrap().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let at_work = workers.entry(words[1].to_owned()).or_default();
        match words[0] {
            "begin" => {
                assert!(!at_work.contains(&"end".to_owned()), "{line}: it was done");
                at_work.push(words[2].to_owned());
            }
            _ => at_work.push("end".to_owned()),
        }
    }
    assert_eq!(workers.len(), RUNS);
    let begun: usize = workers.values().map(|words| words.len() - 1).sum();
    assert!(begun > RUNS, "somebody has crashed at work");
    for words in workers.values() {
        assert_eq!(words.last().unwrap(), "end");
        let distinct: std::collections::HashSet<_> = words.iter().collect();
        assert_eq!(distinct.len(), words.len(), "once by each: {words:?}");
    }
    app.stop().await;
}

on_both! {
    async fn consumers_that_claim_and_crash_lose_no_run(db: &TestDb) {
        every_run_is_done_once_at_a_time(db, "pull").await;
    }

    async fn consumers_that_are_called_and_crash_lose_no_run(db: &TestDb) {
        every_run_is_done_once_at_a_time(db, "http").await;
    }

    async fn consumers_that_read_a_stream_and_crash_lose_no_run(db: &TestDb) {
        every_run_is_done_once_at_a_time(db, "redis").await;
    }
}
