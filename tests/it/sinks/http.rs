use super::*;
use reqwest::Method;
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use triggerhouse_tests::receiver::{Answer, Received};
use triggerhouse_tests::{Kind, files, on_both};

/// Verifies a request with a library of another language. Returns its complaint, if any.
fn verified(received: &Received, secret: &str) -> Result<(), String> {
    let headers: HashMap<&str, &str> = received
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    let given = json!({"secret": secret, "headers": headers, "body": received.body});
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/verify-webhook.sh");
    let mut child = Command::new(script)
        .arg(files::binary().parent().unwrap().parent().unwrap())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(given.to_string().as_bytes()).unwrap();
    drop(stdin);
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        done.status.success() || said.contains("WebhookVerificationError"),
        "the library could not be asked: {said}"
    );
    done.status.success().then_some(()).ok_or(said)
}

on_both! {
    async fn a_run_is_posted_once_with_a_signature_that_another_library_verifies(db: &TestDb) {
        let receiver = Receiver::answering(Answer::Status(204)).await;
        let (mut app, sink, secret) = with_sink(db, &receiver, "").await;
        let message = start_runs(&mut app, "acme", 1).await.remove(0);
        all_sent(db).await;
        let received = receiver.received();
        assert_eq!(received.len(), 1);
        let received = &received[0];
        let run = message.replace("out_", "run_");
        let body: Value = serde_json::from_str(&received.body).unwrap();
        assert_eq!(body["run_id"], run.as_str());
        for (name, expected) in [
            ("webhook-id", message.as_str()),
            ("idempotency-key", &run),
            ("content-type", "application/json"),
            ("triggerhouse-kind", "enqueue_enrich"),
            ("triggerhouse-attempt", "1"),
        ] {
            assert_eq!(received.header(name), expected, "{name}");
        }
        assert_eq!(verified(received, &secret), Ok(()));
        let mut forged = received.clone();
        forged.body.push(' ');
        assert!(verified(&forged, &secret).is_err(), "another body has another signature");
        eventually("a healthy sink", async || health(&mut app, &sink).await["last_success_at"].is_string()).await;
        let health = health(&mut app, &sink).await;
        assert_eq!((&health["circuit"], &health["failures"]), (&json!("closed"), &json!(0)));
        app.stop().await;
    }

    async fn during_a_rotation_both_secrets_sign(db: &TestDb) {
        let receiver = Receiver::answering(Answer::Status(200)).await;
        let (mut app, sink, old) = with_sink(db, &receiver, "").await;
        let path = format!("/v1/sinks/{sink}/rotate-secret");
        let new = text(&app.post("acme", &path, json!({})).await["secret"]);
        start_runs(&mut app, "acme", 1).await;
        all_sent(db).await;
        let received = receiver.received();
        assert_eq!((verified(&received[0], &old), verified(&received[0], &new)), (Ok(()), Ok(())));
        let last = text(&app.post("acme", &path, json!({"overlap_seconds": 0})).await["secret"]);
        start_runs(&mut app, "acme", 1).await;
        all_sent(db).await;
        let received = receiver.received().remove(1);
        assert_eq!(verified(&received, &last), Ok(()));
        assert!(verified(&received, &new).is_err() && verified(&received, &old).is_err());
        app.stop().await;
    }

    async fn an_unreadable_secret_does_not_block_the_others(db: &TestDb) {
        let receiver = Receiver::answering(Answer::Status(200)).await;
        let (mut app, sink, _) = with_sink(db, &receiver, "").await;
        // The state after the master key was replaced.
        let broken = match db.kind {
            Kind::Sqlite => "update webhook_secrets set sealed = x'01'",
            Kind::Postgres => r"update webhook_secrets set sealed = '\x01'",
        };
        db.execute(broken).await;
        let messages = start_runs(&mut app, "acme", 1).await;
        eventually("a reason", async || {
            health(&mut app, &sink).await["last_error"] == "no secret can be opened with this master key"
        })
        .await;
        let path = format!("/v1/sinks/{sink}/rotate-secret");
        let new = text(&app.post("acme", &path, json!({})).await["secret"]);
        all_sent(db).await;
        let received = receiver.received();
        assert_eq!((received[0].id(), verified(&received[0], &new)), (messages[0].clone(), Ok(())));
        app.stop().await;
    }

    async fn a_429_stops_all_messages_until_its_retry_after(db: &TestDb) {
        let receiver = Receiver::start(|received| match received.len() {
            1 => Answer::Busy(1),
            _ => Answer::Status(200),
        }).await;
        let (mut app, _, _) = with_sink(db, &receiver, "per_sink_in_flight_max = 1").await;
        start_runs(&mut app, "acme", 3).await;
        all_sent(db).await;
        let received = receiver.received();
        assert_eq!(received.len(), 4);
        let pause = received[1].at - received[0].at;
        assert!(pause >= Duration::from_millis(950), "{pause:?}");
        let attempts = |id: &str| -> Vec<&str> {
            received.iter().filter(|one| one.id() == id).map(|one| one.header("triggerhouse-attempt")).collect()
        };
        assert_eq!(attempts(&received[0].id()), ["1", "2"]);
        app.stop().await;
    }

    async fn a_503_delays_its_own_message_only(db: &TestDb) {
        let receiver = Receiver::start(|received| match received.len() {
            1 => Answer::NotThisOne(3_600),
            _ => Answer::Status(200),
        }).await;
        let (mut app, sink, _) = with_sink(db, &receiver, "per_sink_in_flight_max = 1").await;
        start_runs(&mut app, "acme", 3).await;
        eventually("the others", async || receiver.count() == 3).await;
        let left = "select count(*) from outbox where due_at is not null";
        eventually("one that waits", async || db.number(left).await == 1).await;
        let sink = app.get("acme", &format!("/v1/sinks/{sink}")).await;
        assert!(sink["health"]["open_until"].is_null(), "{sink}");
        app.stop().await;
    }

    async fn a_410_disables_the_sink_and_loses_no_message(db: &TestDb) {
        let receiver = Receiver::answering(Answer::Status(410)).await;
        let (mut app, sink, _) = with_sink(db, &receiver, "per_sink_in_flight_max = 1").await;
        let mut messages = start_runs(&mut app, "acme", 3).await;
        let path = format!("/v1/sinks/{sink}");
        eventually("a sink that is off", async || app.get("acme", &path).await["enabled"] == false).await;
        let sink = app.get("acme", &path).await;
        assert_eq!(sink["health"]["last_error"], "the endpoint answered 410 Gone: the sink is switched off");
        let mut claimed = Vec::new();
        eventually("every message", async || {
            let claim = json!({"max": 10, "lease_seconds": 60});
            let items = app.post("acme", "/v1/outbox/claim", claim).await["items"].clone();
            claimed.extend(items.as_array().unwrap().iter().map(|item| text(&item["id"])));
            claimed.len() == 3
        }).await;
        claimed.sort();
        messages.sort();
        assert_eq!(claimed, messages);
        assert_eq!(receiver.count(), 1);
        app.stop().await;
    }

    async fn a_redirect_is_a_failure_and_is_not_followed(db: &TestDb) {
        let elsewhere = Receiver::answering(Answer::Status(200)).await;
        let receiver = Receiver::answering(Answer::To(elsewhere.url())).await;
        let more = settings(&[&receiver, &elsewhere], "give_up_seconds = 1\ncircuit_failures = 1000");
        let mut app = TestApp::start_with(db, &more).await;
        let (sink, _) = sink(&mut app, "acme", &receiver).await;
        start_runs(&mut app, "acme", 1).await;
        all_sent(db).await;
        let tried = receiver.count();
        assert!(tried > 1);
        assert_eq!(elsewhere.count(), 0);
        eventually("an error", async || health(&mut app, &sink).await["failures"] == tried).await;
        assert_eq!(health(&mut app, &sink).await["last_error"], "the endpoint answered 307");
        app.stop().await;
    }

    async fn a_change_of_a_sink_applies_to_unsent_messages(db: &TestDb) {
        let old = Receiver::answering(Answer::Status(500)).await;
        let new = Receiver::answering(Answer::Status(200)).await;
        let more = settings(&[&old, &new], "circuit_failures = 1\ncircuit_seconds = 600");
        let mut app = TestApp::start_with(db, &more).await;
        let (sink, _) = sink(&mut app, "acme", &old).await;
        let messages = start_runs(&mut app, "acme", 3).await;
        eventually("an open circuit", async || health(&mut app, &sink).await["circuit"] == "open").await;
        let path = format!("/v1/sinks/{sink}");
        let changed = app.call("acme", Method::PATCH, &path, Some(json!({"url": new.url()}))).await;
        let changed: Value = changed.json().await.unwrap();
        assert_eq!(changed["health"]["circuit"], "closed");
        all_sent(db).await;
        assert_eq!(new.ids(), messages.into_iter().collect());
        app.stop().await;
    }
}
