//! `/metrics` of a real process: counters, gauges of backlogs, and the documentation of
//! every metric.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use triggerhouse::measure::FIGURES;
use triggerhouse_tests::receiver::{Answer, Receiver};
use triggerhouse_tests::{TestApp, app, eventually, github, on_both, process};

async fn scrape(port: u16) -> String {
    let url = format!("http://127.0.0.1:{port}/metrics");
    let response = triggerhouse_tests::client().get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    response.text().await.unwrap()
}

/// The value of a series, which is named as in the output.
fn value(text: &str, series: &str) -> f64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in:\n{text}"))
        .parse()
        .unwrap()
}

/// The kind of each metric in the output.
fn kinds(text: &str) -> BTreeMap<&str, &str> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(|line| line.split_once(' ').unwrap()).collect()
}

on_both! {
    async fn work_is_counted_and_backlogs_are_shown(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({"events": ["issues.opened"]})).await;
        let broken = app.hook("acme", "echo", json!({})).await;
        let in_process = app.url.clone();
        let key = app.key("acme").await;
        let sink = json!({"kind": "http", "url": "https://example.com/"});
        app.post("quiet", "/v1/sinks", sink).await;
        let receiver = Receiver::start(|received| match received.len() {
            1 => Answer::Status(500),
            _ => Answer::Status(200),
        })
        .await;
        let late = app.key("late").await;
        app.stop().await;

        let port = app::free_port();
        // Metrics belong to a process, and tests share one: so this one starts its own.
        let mut child = process::serve(db, port, &[
            ("INBOX_RETRY_SECONDS_MAX", "0"),
            ("SINKS_ALLOW_HOSTS", &format!("['{}']", receiver.address)),
            ("SINKS_RETRY_BASE_MS", "10"),
            ("SINKS_RETRY_MAX_MS", "20"),
        ]);
        let client = triggerhouse_tests::client();
        app::ready(&client, port).await;
        let base = format!("http://127.0.0.1:{port}");
        let at = |url: &str| url.replace(&in_process, &base);
        let send = async |url: &str, secret: &str, id: &str, action: &str| {
            let body = github::issue(action, 1);
            let request = github::delivery(&client, url, secret, "issues", id, &body);
            request.send().await.unwrap().status()
        };
        let url = at(&hook.url);
        assert_eq!(send(&url, &hook.secret, "d-1", "opened").await, 200);
        assert_eq!(send(&url, &hook.secret, "d-1", "opened").await, 200);
        assert_eq!(send(&url, &hook.secret, "d-2", "closed").await, 200);
        assert_eq!(send(&url, "wrong", "d-3", "opened").await, 401);
        assert_eq!(send(&format!("{base}/webhooks/t/none"), "x", "d-4", "opened").await, 404);
        let body = r#"{"do": "trap"}"#;
        let signature = github::signature(&broken.secret, body.as_bytes());
        let trap = client.post(at(&broken.url)).header("x-echo-signature", signature).body(body);
        assert_eq!(trap.send().await.unwrap().status(), 200);

        let mut text = String::new();
        eventually("three settled deliveries", async || {
            text = scrape(port).await;
            text.contains("triggerhouse_inbox_settled_total{result=\"failed\"} 1")
                && text.contains("triggerhouse_inbox_settled_total{result=\"completed\"} 2")
        })
        .await;
        // Backlogs are queried every two seconds, so they may be older than counters.
        let is_past = [
            ("triggerhouse_dead_letters{queue=\"inbox\"}", 1.0),
            ("triggerhouse_inbox_backlog_deliveries", 0.0),
            ("triggerhouse_outbox_backlog_messages", 1.0),
        ];
        eventually("what waits now", async || {
            text = scrape(port).await;
            is_past.iter().all(|(series, expected)| value(&text, series) == *expected)
        })
        .await;
        for (series, expected) in [
            ("triggerhouse_ingress_ack_seconds_count{route=\"token\"}", 4.0),
            ("triggerhouse_ingress_duplicates_total", 1.0),
            ("triggerhouse_ingress_rejects_total{reason=\"unverified\"}", 1.0),
            ("triggerhouse_ingress_rejects_total{reason=\"unknown_route\"}", 1.0),
            ("triggerhouse_inbox_claimed_total", 3.0),
            ("triggerhouse_inbox_reclaimed_total", 0.0),
            ("triggerhouse_inbox_backlog_deliveries", 0.0),
            ("triggerhouse_events_total{status=\"queued\",reason=\"\"}", 1.0),
            ("triggerhouse_events_total{status=\"skipped\",reason=\"filter_mismatch\"}", 1.0),
            ("triggerhouse_provider_call_seconds_count{provider=\"github\",call=\"parse\"}", 2.0),
            ("triggerhouse_provider_failures_total{provider=\"echo\",kind=\"trapped\"}", 1.0),
            ("triggerhouse_outbox_backlog_messages", 1.0),
            ("triggerhouse_sinks{circuit=\"closed\"}", 1.0),
            ("triggerhouse_sinks{circuit=\"open\"}", 0.0),
            ("triggerhouse_database_up", 1.0),
        ] {
            assert_eq!(value(&text, series), expected, "{series} in:\n{text}");
        }
        assert!(value(&text, "triggerhouse_outbox_oldest_age_seconds") > 0.0);
        assert!(text.contains("triggerhouse_database_connections{pool="));

        let claim = client.post(format!("{base}/v1/outbox/claim")).bearer_auth(&key);
        let claim = claim.json(&json!({"max": 1, "lease_seconds": 60}));
        assert_eq!(claim.send().await.unwrap().status(), 200);
        let text = scrape(port).await;
        assert_eq!(value(&text, "triggerhouse_dispatch_lag_seconds_count{sink=\"pull\"}"), 1.0);

        let post = async |path: &str, body: Value| -> Value {
            let request = client.post(format!("{base}{path}")).bearer_auth(&late);
            request.json(&body).send().await.unwrap().json().await.unwrap()
        };
        post("/v1/sinks", json!({"kind": "http", "url": receiver.url()})).await;
        let automation = post("/v1/automations", json!({"name": "a"})).await;
        post(&format!("/v1/automations/{}/run", app::text(&automation["automation"]["id"])), json!({})).await;
        eventually("a message that was taken late", async || {
            let text = scrape(port).await;
            text.contains("triggerhouse_dispatch_lag_seconds_count{sink=\"http\"} 1")
        })
        .await;

        let known: BTreeMap<&str, &str> = FIGURES.iter().map(|f| (f.name, f.kind.as_str())).collect();
        for (name, kind) in kinds(&text) {
            assert_eq!(known.get(name), Some(&kind), "{name} is not in the catalogue");
        }
        for tenant in ["acme", "trg_", "org"] {
            assert!(!text.contains(tenant), "{tenant} in:\n{text}");
        }
        child.kill().await.unwrap();
    }
}

#[test]
fn the_documentation_lists_every_metric_and_no_other() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/OPERATIONS.md"
    ))
    .unwrap();
    let documented: BTreeSet<&str> = text
        .lines()
        .filter(|line| line.starts_with("| `triggerhouse_"))
        .collect();
    let expected: Vec<String> = FIGURES
        .iter()
        .map(|figure| {
            let labels: Vec<String> = figure.labels.iter().map(|l| format!("`{l}`")).collect();
            let (name, kind, labels) = (figure.name, figure.kind.as_str(), labels.join(", "));
            format!("| `{name}` | {kind} | {labels} | {} |", figure.help)
        })
        .collect();
    let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
    let missing: Vec<_> = expected.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(&expected).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "missing: {missing:#?}\nunknown: {unknown:#?}"
    );
}
