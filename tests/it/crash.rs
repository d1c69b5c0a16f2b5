//! SIGKILL during a burst: a real process is killed and restarted. Every delivery that
//! got a 200 becomes exactly one event and one run.

use serde_json::{Value, json};
use std::collections::HashSet;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::process::{Child, Command};
use triggerhouse_tests::app::{self, text};
use triggerhouse_tests::{TestApp, TestDb, files, github, on_both};

const KILLS: usize = 3;
const ACKS_BEFORE_KILL: usize = 150;
const SENDERS: usize = 16;
const KEY: &str = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI=";

fn serve(db: &TestDb, port: u16) -> Child {
    Command::new(files::binary())
        .args([
            "serve",
            "--database-url",
            &db.url,
            "--listen",
            &format!("127.0.0.1:{port}"),
        ])
        .args(["--providers", files::providers().to_str().unwrap()])
        .env("TRIGGERHOUSE_MASTER_KEY", KEY)
        .env("TRIGGERHOUSE_INBOX_LEASE_SECONDS", "3")
        .env("TRIGGERHOUSE_INBOX_DELIVERY_SECONDS_MAX", "1")
        .env(
            "TRIGGERHOUSE_COMPONENT_CACHE_DIR",
            files::providers().join("cache"),
        )
        .env("TRIGGERHOUSE_LOG_FILTER", "warn")
        .current_dir(db.directory.path())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

on_both! {
    async fn kill_9_in_a_burst_loses_nothing_and_doubles_nothing(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let (in_process, hook_url, secret) = (app.url.clone(), hook.url.clone(), hook.secret.clone());
        app.stop().await;

        let client = triggerhouse_tests::client();
        let port = app::free_port();
        let url = hook_url.replace(&in_process, &format!("http://127.0.0.1:{port}"));
        let next = Arc::new(AtomicU64::new(0));
        let mut acknowledged: HashSet<String> = HashSet::new();
        for _ in 0..KILLS {
            let mut child = serve(db, port);
            app::ready(&client, port).await;
            let (acks, mut acked) = tokio::sync::mpsc::unbounded_channel();
            let senders: Vec<_> = (0..SENDERS).map(|_| {
                let (client, url, secret) = (client.clone(), url.clone(), secret.clone());
                let (next, acks) = (Arc::clone(&next), acks.clone());
                tokio::spawn(async move {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let id = format!("d-{number}");
                        let body = github::issue("opened", number);
                        let request = github::delivery(&client, &url, &secret, "issues", &id, &body);
                        match request.send().await {
                            Ok(response) if response.status() == 200 => { let _ = acks.send(id); }
                            Ok(response) => panic!("{}", response.status()),
                            // Killed: this one may or may not be committed.
                            Err(_) => return,
                        }
                    }
                })
            }).collect();
            drop(acks);
            for _ in 0..ACKS_BEFORE_KILL {
                acknowledged.extend(acked.recv().await);
            }
            child.kill().await.unwrap();
            while let Some(id) = acked.recv().await {
                acknowledged.insert(id);
            }
            for sender in senders {
                sender.await.unwrap();
            }
        }

        let mut app = TestApp::start_with(db, "[inbox]\nlease_seconds = 3\ndelivery_seconds_max = 1").await;
        app.settled().await;
        let events = app.all("acme", "/v1/events").await;
        let keys: Vec<String> = events.iter().map(|event| text(&event["dedup_key"])).collect();
        let distinct: HashSet<&str> = keys.iter().map(|key| key.trim_start_matches("github:")).collect();
        assert_eq!(distinct.len(), keys.len(), "no event twice");
        for id in &acknowledged {
            assert!(distinct.contains(id.as_str()), "{id} was acknowledged and lost");
        }
        let inbox = app.all("acme", "/v1/inbox").await;
        let senders: HashSet<String> = inbox.iter().map(|row| text(&row["delivery_key"])).collect();
        assert_eq!(senders.len(), inbox.len(), "no delivery is stored twice");
        assert_eq!(inbox.len(), events.len(), "one event for each delivery");
        let runs = app.all("acme", "/v1/runs").await;
        let of_events: HashSet<String> = runs.iter().map(|run| text(&run["event_id"])).collect();
        assert_eq!((runs.len(), of_events.len()), (events.len(), events.len()), "one run for each event");
        assert!(acknowledged.len() >= KILLS * ACKS_BEFORE_KILL);

        let mut handed_over = Vec::new();
        loop {
            let claimed = app.post("acme", "/v1/outbox/claim", json!({"max": 100, "lease_seconds": 60})).await;
            let items: Vec<Value> = claimed["items"].as_array().cloned().unwrap();
            if items.is_empty() {
                break;
            }
            handed_over.extend(items.iter().map(|item| text(&item["payload"]["run_id"])));
        }
        let distinct: HashSet<&String> = handed_over.iter().collect();
        assert_eq!(
            (handed_over.len(), distinct.len()),
            (runs.len(), runs.len()),
            "each run is handed over once"
        );
        app.stop().await;
    }
}
