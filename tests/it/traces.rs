//! A sender's trace reaches the consumer of the run.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::{Router, routing::post};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use triggerhouse_tests::app::Hook;
use triggerhouse_tests::{TestApp, app, github, on_both, process};

const SOUND: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The trace id in the form of OTLP.
const TRACE: [u8; 16] = [
    0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36,
];

/// Sends a delivery with this header, and returns the payload of its message.
async fn payload(app: &mut TestApp, hook: &Hook, id: &str, traceparent: Option<&str>) -> Value {
    let body = github::issue("opened", 1);
    let mut request = github::delivery(&app.http, &hook.url, &hook.secret, "issues", id, &body);
    if let Some(traceparent) = traceparent {
        request = request.header("traceparent", traceparent);
    }
    assert_eq!(request.send().await.unwrap().status(), 200);
    let claim = json!({"max": 1, "lease_seconds": 60, "wait_seconds": 20});
    app.post("acme", "/v1/outbox/claim", claim).await["items"][0]["payload"].clone()
}

on_both! {
    async fn a_webhooks_trace_is_carried_to_its_message(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let with = payload(&mut app, &hook, "d-1", Some(SOUND)).await;
        assert_eq!(with["traceparent"], SOUND);
        assert!(with["run_id"].is_string());
        let without = payload(&mut app, &hook, "d-2", None).await;
        assert!(without.get("traceparent").is_none(), "{without}");
        let unsound = SOUND.replace("4bf9", "4BF9");
        let dropped = payload(&mut app, &hook, "d-3", Some(&unsound)).await;
        assert!(dropped.get("traceparent").is_none(), "{dropped}");
        app.stop().await;
    }

    async fn a_collector_gets_the_spans_of_the_senders_trace(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let in_process = app.url.clone();
        app.stop().await;
        let (endpoint, mut batches) = collector().await;
        let (port, client) = (app::free_port(), triggerhouse_tests::client());
        let mut child = process::serve(db, port, &[
            ("TELEMETRY_OTLP_ENDPOINT", &endpoint),
            ("SHUTDOWN_NOTICE_SECONDS", "0"),
        ]);
        app::ready(&client, port).await;
        let url = hook.url.replace(&in_process, &format!("http://127.0.0.1:{port}"));
        let body = github::issue("opened", 1);
        let request = github::delivery(&client, &url, &hook.secret, "issues", "d-1", &body);
        assert_eq!(request.header("traceparent", SOUND).send().await.unwrap().status(), 200);
        let settled = "select count(*) from inbox where processed_at is not null";
        triggerhouse_tests::eventually("a settled delivery", async || db.number(settled).await == 1).await;
        // The exporter sends the rest when the host stops.
        process::terminate(&child).await;
        assert!(timeout(Duration::from_secs(30), child.wait()).await.unwrap().unwrap().success());

        let mut sent = Vec::new();
        while let Ok(batch) = batches.try_recv() {
            sent.extend(batch);
        }
        let has = |wanted: &[u8]| sent.windows(wanted.len()).any(|bytes| bytes == wanted);
        for span in ["deliver", "process", "parse", "filter", "settle"] {
            assert!(has(span.as_bytes()), "no span {span}");
        }
        let of_trace = sent.windows(TRACE.len()).filter(|bytes| *bytes == TRACE).count();
        assert!(of_trace >= 4, "deliver, process, parse and filter are of the sender's trace: {of_trace}");
        let token = url.rsplit('/').next().unwrap();
        for secret in [token, hook.secret.as_str(), "Issue 1"] {
            assert!(!has(secret.as_bytes()), "{secret} is in a span");
        }
    }
}

/// A collector of traces: its URL, and the bodies that it received.
async fn collector() -> (String, mpsc::UnboundedReceiver<Bytes>) {
    let (batches, received) = mpsc::unbounded_channel();
    let take = move |headers: HeaderMap, body: Bytes| {
        assert_eq!(headers["content-type"], "application/x-protobuf");
        let _ = batches.send(body);
        async {}
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/v1/traces", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}
