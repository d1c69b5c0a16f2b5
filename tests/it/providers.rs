//! Every shipped provider, through the whole host: recorded deliveries, `triggerhouse
//! send`, and the examples of the documentation.

use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tokio::process::Command;
use triggerhouse_tests::app::{Hook, text};
use triggerhouse_tests::gmail::GmailServer;
use triggerhouse_tests::services::{self, PROVIDERS, Recorded, recorded};
use triggerhouse_tests::{Kind, TestApp, TestDb, eventually, files, on_both};

/// Providers and their headings in the documentation.
const NAMES: [(&str, &str); 5] = [
    ("github", "GitHub"),
    ("gmail", "Gmail"),
    ("linear", "Linear"),
    ("posthog", "PostHog"),
    ("sentry", "Sentry"),
];

/// A recorded payload with its headers, for `send` to sign.
fn sample(provider: &'static str) -> Recorded {
    let wanted = |recorded: &Recorded| match provider {
        "github" => recorded.headers[0].1 == "issues",
        "linear" => recorded.headers[0].1 == "Issue",
        "sentry" => recorded
            .headers
            .first()
            .is_some_and(|(_, resource)| resource == "issue"),
        _ => recorded.body["event"]["event"] == "$pageview",
    };
    recorded(provider).into_iter().find(wanted).unwrap()
}

async fn send(recorded: &Recorded, url: &str, secret: &str, more: &[&str]) -> (bool, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), recorded.body.to_string()).unwrap();
    let mut command = Command::new(files::binary());
    command.arg("send").arg(file.path()).args(["--url", url]);
    command.args(["--provider", recorded.provider, "--secret", secret]);
    for (name, value) in &recorded.headers {
        command.args(["--header", &format!("{name}: {value}")]);
    }
    let output = command.args(more).output().await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

on_both! {
    async fn every_recorded_delivery_is_accepted_and_parsed(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        for provider in PROVIDERS {
            let hook = app.hook("acme", provider, json!({})).await;
            let all = recorded(provider);
            assert!(all.len() > 40, "{provider}: {}", all.len());
            for (number, recorded) in all.iter().enumerate() {
                let request = recorded.delivery(&app.http, &hook.url, &hook.secret, &format!("d-{number}"));
                let status = request.send().await.unwrap().status();
                assert_eq!(status, StatusCode::OK, "{provider}: {recorded:?}");
            }
            app.settled().await;
            let events = app.all("acme", &format!("/v1/events?trigger_id={}", hook.trigger)).await;
            // Some recordings show the same occurrence.
            assert!(events.len() * 10 > all.len() * 8, "{provider}: {} of {}", events.len(), all.len());
            for event in events {
                assert!(event["status"] == "queued" || event["kind"] == "ping", "{event}");
            }
        }
        let failed = app.all("acme", "/v1/inbox?status=failed").await;
        assert!(failed.is_empty(), "{failed:?}");
        app.stop().await;
    }

    async fn a_repeated_delivery_starts_one_run(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        for provider in PROVIDERS {
            let body = json!({"provider": provider, "secret": "s"});
            let integration = app.post("acme", "/v1/integrations", body).await;
            let body = json!({"name": "t", "provider": provider, "kind": "webhook",
                "integration_id": integration["integration"]["id"]});
            let created = app.post("acme", "/v1/triggers", body).await;
            let hook = Hook {
                trigger: text(&created["trigger"]["id"]),
                url: text(&created["webhook_url"]),
                secret: text(&created["webhook_secret"]),
            };
            let sample = sample(provider);
            // Through another webhook: a different source for the door.
            let url = text(&integration["webhook_url"]);
            let request = sample.delivery(&app.http, &url, "s", "d-1");
            assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
            for attempt in 0..3 {
                // Sentry gives each attempt its own id, PostHog no signed id.
                let id = if provider == "sentry" { format!("r-{attempt}") } else { "d-1".into() };
                let request = sample.delivery(&app.http, &hook.url, &hook.secret, &id);
                assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
            }
            app.settled().await;
            let events = app.all("acme", &format!("/v1/events?trigger_id={}", hook.trigger)).await;
            assert_eq!(events.len(), 1, "{provider}: {events:?}");
        }
        assert_eq!(app.all("acme", "/v1/runs").await.len(), PROVIDERS.len());
        app.stop().await;
    }

    async fn a_delivery_that_waited_is_not_stale(db: &TestDb) {
        let mut app = TestApp::start_with(db, "roles = ['ingress', 'api']").await;
        let hook = app.hook("acme", "linear", json!({})).await;
        // Linear allows 60 s, most of which have passed on arrival …
        let sent = services::signed_ago(&sample("linear"), Duration::from_secs(58), &hook.secret);
        let request = app.http.post(&hook.url).header("linear-signature", sent.1).body(sent.0);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
        app.stop().await;
        // … and the rest pass before a worker starts.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let mut app = TestApp::start(db).await;
        let stale = services::signed_ago(&sample("linear"), Duration::from_secs(61), &hook.secret);
        let path = hook.url.rsplit_once("/webhooks").unwrap().1;
        let url = format!("{}/webhooks{path}", app.url);
        let request = app.http.post(url).header("linear-signature", stale.1).body(stale.0);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1);
        app.stop().await;
    }

    async fn a_delivery_to_an_account_finds_its_integration(db: &TestDb) {
        let secrets: Vec<String> = PROVIDERS
            .iter()
            .map(|id| format!("[[providers]]\nid = '{id}'\napp_secrets = ['of-the-app']"))
            .collect();
        let mut app = TestApp::start_with(db, &secrets.join("\n")).await;
        for provider in PROVIDERS {
            let body = json!({"provider": provider, "account": "of-somebody-else"});
            let integration = app.post("other", "/v1/integrations", body).await;
            let body = json!({"name": "t", "provider": provider, "kind": "webhook",
                "integration_id": integration["integration"]["id"]});
            app.post("other", "/v1/triggers", body).await;
        }
        for (provider, pointer) in [
            ("github", "/installation/id"),
            ("linear", "/organizationId"),
            ("sentry", "/installation/uuid"),
        ] {
            let all = recorded(provider);
            let named = all.iter().find(|recorded| recorded.body.pointer(pointer).is_some()).unwrap();
            let account = match named.body.pointer(pointer).unwrap() {
                Value::String(text) => text.clone(),
                number => number.to_string(),
            };
            let body = json!({"provider": provider, "account": account});
            let integration = app.post("acme", "/v1/integrations", body).await;
            let body = json!({"name": "t", "provider": provider, "kind": "webhook",
                "integration_id": integration["integration"]["id"]});
            app.post("acme", "/v1/triggers", body).await;
            let url = format!("{}/webhooks/direct/{provider}", app.url);
            let request = named.delivery(&app.http, &url, "of-the-app", "d-1");
            assert_eq!(request.send().await.unwrap().status(), StatusCode::OK, "{provider}");
            let request = named.delivery(&app.http, &url, "of-another-app", "d-2");
            assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
        }
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 3);
        assert!(app.all("other", "/v1/inbox").await.is_empty());
        assert!(app.all("other", "/v1/events").await.is_empty());
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn send_signs_for_each_provider() {
    let db = TestDb::create(Kind::Sqlite).await;
    let mut app = TestApp::start(&db).await;
    for provider in PROVIDERS {
        let hook = app.hook("acme", provider, json!({})).await;
        let sample = sample(provider);
        let (sent, answer) = send(&sample, &hook.url, &hook.secret, &[]).await;
        assert!(sent && answer.starts_with("200 "), "{provider}: {answer}");
        let (sent, answer) = send(&sample, &hook.url, "d2hzZWNfd3Jvbmctc2VjcmV0", &[]).await;
        assert!(!sent && answer.starts_with("401 "), "{provider}: {answer}");
    }
    app.settled().await;
    assert_eq!(app.all("acme", "/v1/runs").await.len(), PROVIDERS.len());

    // The recording is years old, so its own timestamp is stale.
    let hook = app.hook("acme", "linear", json!({})).await;
    let (sent, answer) = send(
        &sample("linear"),
        &hook.url,
        &hook.secret,
        &["--keep-timestamp"],
    )
    .await;
    assert!(
        !sent && answer.contains("before it was received"),
        "{answer}"
    );

    // A secret without the format of Standard Webhooks is sent as a token.
    let rotate = format!("/v1/triggers/{}/rotate-secret", hook.trigger);
    app.post("acme", &rotate, json!({"secret": "plain"})).await;
    let hook = app.hook("acme", "posthog", json!({})).await;
    let rotate = format!("/v1/triggers/{}/rotate-secret", hook.trigger);
    app.post("acme", &rotate, json!({"secret": "a plain token"}))
        .await;
    let (sent, answer) = send(&sample("posthog"), &hook.url, "a plain token", &[]).await;
    assert!(sent, "{answer}");
    app.stop().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documentation_names_each_field_and_its_examples_are_accepted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let guide = std::fs::read_to_string(root.join("docs/PROVIDERS.md")).unwrap();
    let db = TestDb::create(Kind::Sqlite).await;
    let gmail = GmailServer::start().await;
    let settings = format!("[polling]\ninterval_seconds_min = 1\n{}", gmail.provider());
    let mut app = TestApp::start_with(&db, &settings).await;
    for (provider, name) in NAMES {
        let schema =
            app.get("acme", &format!("/providers/{provider}")).await["config_schema"].clone();
        let fields: BTreeSet<&String> = schema["properties"].as_object().unwrap().keys().collect();
        let guide = guide.split(&format!("## {name}\n")).nth(1).unwrap();
        let guide = guide.split("\n## ").next().unwrap();
        let readme =
            std::fs::read_to_string(root.join(format!("providers/{provider}/README.md"))).unwrap();
        for page in [guide, &readme] {
            let listed = page.lines().filter(|line| line.starts_with("| `"));
            let listed: String = listed.filter_map(|line| line.split('|').nth(1)).collect();
            for field in &fields {
                assert!(
                    listed.contains(&format!("`{field}`")),
                    "{name}: {field} is not documented"
                );
            }
        }
        let examples: Vec<Value> = guide
            .split("```json\n")
            .skip(1)
            .map(|block| serde_json::from_str(block.split("```").next().unwrap()).unwrap())
            .collect();
        assert!(!examples.is_empty(), "{name} has no example");
        for example in examples {
            let trigger = match provider {
                "gmail" => polled(&mut app, &gmail, &example).await,
                _ => delivered(&mut app, provider, &example).await,
            };
            // Schema and filter accept the example.
            let events = app
                .all("acme", &format!("/v1/events?trigger_id={trigger}"))
                .await;
            assert_eq!(
                text(&events[0]["skip_reason"]),
                "filter_mismatch",
                "{example}"
            );
        }
    }
    app.stop().await;
    db.remove().await;
}

/// Creates a trigger with this configuration, and sends it a recorded delivery.
async fn delivered(app: &mut TestApp, provider: &'static str, config: &Value) -> String {
    let hook = app.hook("acme", provider, config.clone()).await;
    let sample = sample(provider);
    let request = sample.delivery(&app.http, &hook.url, &hook.secret, &hook.trigger);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    app.settled().await;
    hook.trigger
}

/// Creates a polling trigger with this configuration, and lets it see a message.
async fn polled(app: &mut TestApp, gmail: &GmailServer, config: &Value) -> String {
    let integration = app
        .post("acme", "/v1/integrations", json!({"provider": "gmail"}))
        .await;
    let body = json!({"name": "t", "kind": "polling", "provider": "gmail", "config": config,
        "integration_id": integration["integration"]["id"], "poll_interval_seconds": 1});
    let created = app.post("acme", "/v1/triggers", body).await;
    let is_polled = async |app: &mut TestApp| {
        let groups = app.all("acme", "/v1/poll-groups").await;
        !groups[0]["cursor_at"].is_null()
    };
    eventually("a first poll", async || is_polled(&mut *app).await).await;
    gmail.receive(1, "Hello");
    let events = format!("/v1/events?trigger_id={}", text(&created["trigger"]["id"]));
    eventually("an event", async || {
        !app.all("acme", &events).await.is_empty()
    })
    .await;
    text(&created["trigger"]["id"])
}
