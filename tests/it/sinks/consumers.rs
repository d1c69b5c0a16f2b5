//! Real consumer processes that crash or pause at each point of their work.

use super::*;
use std::collections::HashMap;
use std::path::Path;
use tokio::process::{Child, Command};
use triggerhouse_tests::app::free_port;
use triggerhouse_tests::on_both;
use triggerhouse_tests::redis::shared;

const RUNS: usize = 6;

/// The way in which runs reach their consumers.
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
             per_sink_in_flight_max = 2",
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

/// Starts consumers that crash, one at each point, and then one that does the rest.
async fn every_run_has_one_consumer_at_a_time(db: &TestDb, kind: &'static str) {
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
    // Only a run whose consumer has died begins twice. No consumer begins a run that
    // another one works on or has done.
    let mut workers: HashMap<String, Vec<String>> = HashMap::new();
    for line in std::fs::read_to_string(&log).unwrap().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let at_work = workers.entry(words[1].to_owned()).or_default();
        match words[0] {
            "begin" => {
                assert!(!at_work.contains(&"end".to_owned()), "{line}: it was done");
                at_work.push(words[2].to_owned());
            }
            "end" => at_work.push("end".to_owned()),
            _ => {}
        }
    }
    assert_eq!(workers.len(), RUNS);
    let begun: usize = workers.values().map(|words| words.len() - 1).sum();
    assert!(begun > RUNS, "a consumer has crashed at work");
    for words in workers.values() {
        assert_eq!(words.last().unwrap(), "end");
        let distinct: std::collections::HashSet<_> = words.iter().collect();
        assert_eq!(distinct.len(), words.len(), "once by each: {words:?}");
    }
    app.stop().await;
}

/// A line of a consumer's log.
#[derive(Clone, Debug)]
struct Noted {
    word: String,
    run: String,
    process: u32,
}

fn noted(log: &Path) -> Vec<Noted> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    let lines = whole.lines().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        Noted {
            word: words[0].into(),
            run: words[1].into(),
            process: words[2].parse().unwrap(),
        }
    });
    lines.collect()
}

/// The silence that the consumers ask for.
const SILENCE: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);

/// Runs two consumers. One pauses in the middle of a run and continues after the other
/// has taken it over. No takeover comes too early, and the late completion is refused.
async fn a_silent_consumer_loses_its_run(db: &TestDb, kind: &'static str) {
    let way = Way::of(kind);
    let mut app = TestApp::start_with(db, &format!("{}\ntimeout_ms = 300", way.settings())).await;
    if let Some(sink) = way.sink() {
        app.post("acme", "/v1/sinks", sink).await;
    }
    start_runs(&mut app, "acme", RUNS).await;
    let log = db.directory.path().join("work.log");
    let mut paused = way.consumer(&mut app, &log, "pause").await;
    let process = paused.id().unwrap();
    let paused_at = || noted(&log).into_iter().find(|line| line.word == "pause");
    eventually("a paused consumer", async || paused_at().is_some()).await;
    let held = paused_at().unwrap().run;
    // There is only one endpoint, which serves other requests meanwhile.
    let other = match kind {
        "http" => None,
        _ => Some(way.consumer(&mut app, &log, "never").await),
    };
    eventually("every run", async || {
        let done = app.all("acme", "/v1/runs?status=succeeded").await;
        done.len() == RUNS
    })
    .await;
    match kind {
        "http" => std::fs::write(db.directory.path().join("work.log.go"), "").unwrap(),
        _ => {
            let mut go_on = Command::new("kill");
            go_on.args(["-CONT", &process.to_string()]);
            assert!(go_on.status().await.unwrap().success());
        }
    }
    eventually("the late completion", async || {
        noted(&log).iter().any(|line| line.word == "refused")
    })
    .await;
    paused.kill().await.unwrap();
    if let Some(mut other) = other {
        other.kill().await.unwrap();
    }

    let noted = noted(&log);
    let of = |word: &str, run: &str| -> Vec<Noted> {
        let of = noted
            .iter()
            .filter(|line| line.word == word && line.run == run);
        of.cloned().collect()
    };
    for run in app.all("acme", "/v1/runs").await {
        let id = text(&run["id"]);
        assert_eq!(of("done", &id).len(), 1, "{id} is completed once");
        let times = if id == held { 2 } else { 1 };
        assert_eq!(of("begin", &id).len(), times, "{id}: {noted:?}");
        assert_eq!(run["attempt"], times, "{run}");
    }
    // By the host's clock, which decides about both consumers.
    let seen = app.get("acme", &format!("/v1/runs/{held}")).await;
    let mut starts: Vec<jiff::Timestamp> = seen["history"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["to"] == "running")
        .map(|step| text(&step["at"]).parse().unwrap())
        .collect();
    starts.sort();
    let silence = starts[1].duration_since(starts[0]);
    assert!(silence >= SILENCE, "taken over after {silence:?}");
    let refused = of("refused", &held);
    assert_eq!((refused.len(), refused[0].process), (1, process));
    app.stop().await;
}

on_both! {
    async fn crashing_pull_consumers_lose_no_run(db: &TestDb) {
        every_run_has_one_consumer_at_a_time(db, "pull").await;
    }

    async fn crashing_endpoints_lose_no_run(db: &TestDb) {
        every_run_has_one_consumer_at_a_time(db, "http").await;
    }

    async fn crashing_stream_consumers_lose_no_run(db: &TestDb) {
        every_run_has_one_consumer_at_a_time(db, "redis").await;
    }

    async fn a_silent_pull_consumer_loses_its_run(db: &TestDb) {
        a_silent_consumer_loses_its_run(db, "pull").await;
    }

    async fn a_silent_endpoint_loses_its_run(db: &TestDb) {
        a_silent_consumer_loses_its_run(db, "http").await;
    }

    async fn a_silent_stream_consumer_loses_its_run(db: &TestDb) {
        a_silent_consumer_loses_its_run(db, "redis").await;
    }
}
