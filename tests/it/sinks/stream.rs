use super::*;
use std::collections::{BTreeMap, HashSet};
use triggerhouse_tests::app::free_port;
use triggerhouse_tests::on_both;
use triggerhouse_tests::redis::{PrivateRedis, command, shared, texts};
use triggerhouse_tests::wire::Wire;

/// The texts of one entry: its id, and five fields with their names.
const TEXTS: usize = 11;

async fn entries(url: &str, stream: &str) -> Vec<BTreeMap<String, String>> {
    let texts = texts(url, &format!("XRANGE {stream} - +")).await.unwrap();
    let entries = texts.chunks(TEXTS).map(|entry| {
        let fields = entry[1..].chunks(2);
        fields.map(|field| (field[0].clone(), field[1].clone()))
    });
    entries.map(Iterator::collect).collect()
}

/// A stream of this test only.
fn stream() -> String {
    format!("runs-{}", uuid::Uuid::now_v7().simple())
}

fn settings(url: &str, more: &str) -> String {
    format!("redis_url = '{url}'\n{}", super::settings(&[], more))
}

on_both! {
    async fn a_run_becomes_an_entry_with_its_id_as_the_key(db: &TestDb) {
        let stream = stream();
        let mut app = TestApp::start_with(db, &settings(&shared(), "stream_prefix = 'test:'")).await;
        let created = app.post("acme", "/v1/sinks", json!({"kind": "redis", "stream": stream})).await;
        assert_eq!(created["secret"], Value::Null);
        let message = start_runs(&mut app, "acme", 1).await.remove(0);
        all_sent(db).await;
        let entries = entries(&shared(), &format!("test:{stream}")).await;
        assert_eq!(entries.len(), 1);
        let run = message.replace("out_", "run_");
        let payload: Value = serde_json::from_str(&entries[0]["payload"]).unwrap();
        assert_eq!(payload["run_id"], run.as_str());
        for (name, expected) in [
            ("idempotency_key", run.as_str()),
            ("id", &message),
            ("kind", "enqueue_enrich"),
            ("organization", "acme"),
        ] {
            assert_eq!(entries[0][name], expected, "{name}");
        }
        app.stop().await;
    }

    async fn a_stream_is_trimmed_to_about_its_limit(db: &TestDb) {
        let stream = stream();
        let mut app = TestApp::start_with(db, &settings(&shared(), "stream_entries_max = 50")).await;
        app.post("acme", "/v1/sinks", json!({"kind": "redis", "stream": stream})).await;
        for _ in 0..400 {
            let texts = "idempotency_key a id b kind c organization d payload e";
            command(&shared(), &format!("XADD {stream} * {texts}")).await.unwrap();
        }
        start_runs(&mut app, "acme", 1).await;
        all_sent(db).await;
        let left = entries(&shared(), &stream).await.len();
        assert!((50..250).contains(&left), "{left}");
        app.stop().await;
    }

    async fn after_a_failover_the_new_primary_gets_all_messages(db: &TestDb) {
        let (old, new) = (PrivateRedis::start().await, PrivateRedis::start().await);
        let wire = Wire::to(&format!("127.0.0.1:{}", old.port)).await;
        let more = "circuit_failures = 3\ncircuit_seconds = 1\nper_sink_in_flight_max = 2";
        let url = format!("redis://127.0.0.1:{}", wire.port);
        let mut app = TestApp::start_with(db, &settings(&url, more)).await;
        app.post("acme", "/v1/sinks", json!({"kind": "redis", "stream": "runs"})).await;
        start_runs(&mut app, "acme", 4).await;
        all_sent(db).await;
        // A failover: the address leads to the new primary, but old connections stay open.
        command(&old.url(), &format!("REPLICAOF 127.0.0.1 {}", new.port)).await.unwrap();
        wire.lead_to(&format!("127.0.0.1:{}", new.port));
        let messages = start_runs(&mut app, "acme", 4).await;
        all_sent(db).await;
        let ids: HashSet<String> = entries(&new.url(), "runs").await.iter().map(|entry| entry["id"].clone()).collect();
        assert_eq!(ids, messages.into_iter().collect());
        app.stop().await;
    }

    async fn a_redis_killed_in_a_burst_gets_every_message(db: &TestDb) {
        const RUNS: usize = 90;
        let (port, directory) = (free_port(), tempfile::tempdir().unwrap());
        let mut redis = PrivateRedis::start_durable(port, directory.path()).await;
        let url = redis.url();
        let more = "circuit_failures = 3\ncircuit_seconds = 1\nper_sink_in_flight_max = 2\ngive_up_seconds = 0";
        let mut app = TestApp::start_with(db, &settings(&url, more)).await;
        let created = app.post("acme", "/v1/sinks", json!({"kind": "redis", "stream": "runs"})).await;
        let sink = text(&created["sink"]["id"]);
        let mut messages = Vec::new();
        for _ in 0..3 {
            messages.extend(start_runs(&mut app, "acme", RUNS / 6).await);
            redis.kill().await;
            messages.extend(start_runs(&mut app, "acme", RUNS / 6).await);
            eventually("trouble", async || health(&mut app, &sink).await["circuit"] != "closed").await;
            redis = PrivateRedis::start_durable(port, directory.path()).await;
            eventually("recovery", async || health(&mut app, &sink).await["circuit"] == "closed").await;
        }
        all_sent(db).await;
        let keys: Vec<String> = entries(&url, "runs").await.iter().map(|entry| entry["id"].clone()).collect();
        let distinct: HashSet<String> = keys.iter().cloned().collect();
        assert_eq!(distinct, messages.into_iter().collect(), "nothing is lost, and nothing is a dead letter");
        assert!(keys.len() <= RUNS + 3 * 2, "{}: only what was under way comes again", keys.len());
        app.stop().await;
    }

    async fn messages_for_an_absent_redis_wait_visibly(db: &TestDb) {
        let stream = stream();
        command(&shared(), &format!("SET {stream} taken")).await;
        let mut app = TestApp::start_with(db, &settings(&shared(), "circuit_failures = 2\ncircuit_seconds = 600")).await;
        let created = app.post("acme", "/v1/sinks", json!({"kind": "redis", "stream": stream})).await;
        let sink = text(&created["sink"]["id"]);
        start_runs(&mut app, "acme", 3).await;
        eventually("an open circuit", async || health(&mut app, &sink).await["circuit"] == "open").await;
        let error = text(&health(&mut app, &sink).await["last_error"]);
        assert!(error.contains("WRONGTYPE"), "{error}");
        command(&shared(), &format!("DEL {stream}")).await;
        app.call("acme", reqwest::Method::PATCH, &format!("/v1/sinks/{sink}"), Some(json!({"enabled": true}))).await;
        all_sent(db).await;
        assert_eq!(entries(&shared(), &stream).await.len(), 3);
        app.stop().await;
    }
}
