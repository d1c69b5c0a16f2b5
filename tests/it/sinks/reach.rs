use super::*;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Method, StatusCode};
use std::net::SocketAddr;
use std::sync::Arc;
use triggerhouse::domain::outbox::ClaimedMessage;
use triggerhouse::domain::sink::SinkAddress;
use triggerhouse::domain::{OutboxId, Timestamp};
use triggerhouse::egress::HostClient;
use triggerhouse::secret::generate_sink_secret;
use triggerhouse::sink::{Sender, Sent};
use triggerhouse_tests::receiver::Answer;
use triggerhouse_tests::{app, on_both};

/// Resolves every name to one address.
struct Fixed(SocketAddr);

impl Resolve for Fixed {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses = vec![self.0];
        Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
    }
}

fn message() -> ClaimedMessage {
    ClaimedMessage {
        id: OutboxId::new(),
        kind: "enqueue_enrich".into(),
        payload: serde_json::value::RawValue::from_string("{}".into()).unwrap(),
        attempt: 1,
        lease_token: uuid::Uuid::now_v7(),
        lease_expires_at: Timestamp(0),
        counted: 1,
        tried_since: Timestamp(0),
    }
}

on_both! {
    async fn a_tenants_sink_cannot_reach_a_private_network(db: &TestDb) {
        let ours = Receiver::answering(Answer::Status(200)).await;
        let port = ours.address.port();
        let mut app = TestApp::start_with(db, &settings(&[], "give_up_seconds = 0\ncircuit_failures = 100")).await;
        let hosts = ["127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "10.0.0.1"];
        let urls = hosts.iter().flat_map(|host| [format!("http://{host}:{port}/"), format!("https://{host}:{port}/")]);
        for url in urls.chain(["http://example.com/".into(), "ftp://example.com/".into(), "https://me:pw@example.com/".into(), "nonsense".into()]) {
            let refused = app.call("acme", Method::POST, "/v1/sinks", Some(json!({"kind": "http", "url": url}))).await;
            assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{url}");
            let problem: Value = refused.json().await.unwrap();
            assert_eq!(problem["errors"][0]["pointer"], "/url", "{problem}");
        }

        // A name is accepted, and judged when it is resolved.
        let created = app.post("acme", "/v1/sinks", json!({"kind": "http", "url": format!("https://localhost:{port}/")})).await;
        let sink = text(&created["sink"]["id"]);
        start_runs(&mut app, "acme", 1).await;
        eventually("an error", async || health(&mut app, &sink).await["failures"] == 1).await;
        let error = text(&health(&mut app, &sink).await["last_error"]);
        assert!(error.contains("leads to no public address"), "{error}");

        // A URL from before the operator removed the address.
        db.execute(&format!("update sinks set url = 'http://127.0.0.1:{port}/'")).await;
        start_runs(&mut app, "acme", 1).await;
        eventually("another", async || health(&mut app, &sink).await["failures"] == 2).await;
        let error = text(&health(&mut app, &sink).await["last_error"]);
        assert!(error.contains("http is for an address and port"), "{error}");
        assert_eq!(ours.count(), 0);
        app.stop().await;
    }
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused_despite_any_grant() {
    let ours = Receiver::answering(Answer::Status(200)).await;
    let db = TestDb::create(triggerhouse_tests::Kind::Sqlite).await;
    let config = app::config(&db, &settings(&[&ours], ""));
    let urls = config.sinks.allow_hosts.clone();
    let client = HostClient::public_with(urls, Arc::new(Fixed(ours.address))).unwrap();
    let sender = Sender::with(&config, client).unwrap();
    let address = SinkAddress::Http {
        url: format!("https://hooks.example.com:{}/", ours.address.port()),
    };
    let secrets = [generate_sink_secret()];
    let org = "acme".parse().unwrap();
    let sent = sender
        .send(&org, &address, &secrets, &message(), Timestamp(0))
        .await;
    let Sent::Failed { error, .. } = sent else {
        panic!("{sent:?}");
    };
    assert!(
        error.contains("hooks.example.com leads to no public address"),
        "{error}"
    );
    assert_eq!(ours.count(), 0);
    db.remove().await;
}
