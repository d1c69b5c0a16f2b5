//! Defects that systems of this kind are known for, from a webhook to its run. Each test
//! shows that Triggerhouse does not have one of them; its comment names the defect.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use triggerhouse_tests::app::{Hook, text};
use triggerhouse_tests::nango::{envelope, message, taken};
use triggerhouse_tests::services::{Recorded, recorded};
use triggerhouse_tests::{TestApp, github, on_both};

/// The first recorded delivery of a kind, with an action.
fn recording(provider: &'static str, kind: &str, action: &str) -> Recorded {
    let wanted = |recorded: &Recorded| {
        recorded.headers.iter().any(|(_, value)| value == kind)
            && recorded.body["action"].as_str().unwrap_or("") == action
    };
    recorded(provider).into_iter().find(wanted).unwrap()
}

async fn deliver(app: &TestApp, hook: &Hook, recorded: &Recorded, id: &str) {
    let request = recorded.delivery(&app.http, &hook.url, &hook.secret, id);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    app.settled().await;
}

async fn events(app: &mut TestApp, hook: &Hook) -> Vec<Value> {
    app.all(
        "acme",
        &format!("/v1/events?trigger_id={}&status=queued", hook.trigger),
    )
    .await
}

/// An integration behind Nango, with a trigger.
async fn connected(app: &mut TestApp, connection: &str) {
    let body = json!({"provider": "github", "connection_id": connection});
    let integration = app.post("acme", "/v1/integrations", body).await;
    let body = json!({"name": "t", "provider": "github", "kind": "webhook",
        "integration_id": integration["integration"]["id"]});
    app.post("acme", "/v1/triggers", body).await;
}

on_both! {
    /// Defect: the worker verifies again, over a body that the database has reordered, so
    /// every acknowledged webhook fails.
    async fn a_nango_delivery_is_verified_once_over_the_bytes_as_they_arrived(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        connected(&mut app, "c-1").await;
        let payload = String::from_utf8(github::issue("opened", 7)).unwrap().replace("Issue 7", "Grüße \\u00e9 🍞");
        let body = format!("{{\n  \"type\": \"forward\",\"payload\":{payload}, \"from\":\"x\",\t\"providerConfigKey\":\"y\",\"connectionId\":\"c-1\"}}");
        let request = message(&app, "/webhooks/nango", body.as_bytes());
        taken(request.header("x-github-event", "issues").header("x-github-delivery", "g")).await;
        app.settled().await;
        let runs = app.all("acme", "/v1/events?status=queued").await;
        assert_eq!(text(&runs[0]["title"]), "[octo-org/octo-repo] Issue #7 opened: Grüße é 🍞");
        app.stop().await;
    }

    /// Defect: a skipped event uses up its deduplication key.
    async fn a_skip_uses_up_no_key(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let body = json!({"provider": "github", "secret": "s"});
        let integration = app.post("acme", "/v1/integrations", body).await;
        let body = json!({"name": "t", "provider": "github", "kind": "webhook",
            "integration_id": integration["integration"]["id"], "config": {"labels": ["wanted"]}});
        let created = app.post("acme", "/v1/triggers", body).await;
        let hook = Hook {
            trigger: text(&created["trigger"]["id"]),
            url: text(&created["webhook_url"]),
            secret: text(&created["webhook_secret"]),
        };
        let issue = recording("github", "issues", "opened");
        deliver(&app, &hook, &issue, "one-occurrence").await;
        assert!(events(&mut app, &hook).await.is_empty(), "it lacks the label");
        let path = format!("/v1/triggers/{}", hook.trigger);
        app.call("acme", Method::PATCH, &path, Some(json!({"config": {}}))).await;
        // The same occurrence, through the integration's own webhook.
        let other = Hook { trigger: hook.trigger.clone(), url: text(&integration["webhook_url"]), secret: "s".into() };
        deliver(&app, &other, &issue, "one-occurrence").await;
        let queued = events(&mut app, &hook).await;
        assert_eq!(queued.len(), 1);
        assert_eq!(queued[0]["dedup_key"], "github:one-occurrence");
        app.stop().await;
    }

    /// Defect: an object can be updated, labeled or resolved only once in its life.
    async fn each_change_of_one_object_is_an_occurrence(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        for (provider, kind, actions) in [
            ("github", "issues", ["labeled", "labeled"]),
            ("linear", "Issue", ["update", "update"]),
            ("sentry", "issue", ["resolved", "unresolved"]),
        ] {
            let hook = app.hook("acme", provider, json!({})).await;
            for (number, action) in actions.into_iter().enumerate() {
                deliver(&app, &hook, &recording(provider, kind, action), &format!("d-{number}")).await;
            }
            assert_eq!(events(&mut app, &hook).await.len(), 2, "{provider}");
        }
        app.stop().await;
    }

    /// Defect: the provider is looked up by the name in the envelope, which the operator
    /// chooses at Nango, and deliveries of unknown names are stored without verification.
    async fn the_integration_names_the_provider_and_nothing_unsigned_is_stored(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        connected(&mut app, "c-1").await;
        let payload: Value = serde_json::from_slice(&github::issue("opened", 7)).unwrap();
        for (number, from) in ["github-app", "linear", ""].into_iter().enumerate() {
            let mut body = envelope("c-1", &payload);
            body["from"] = json!(from);
            body["providerConfigKey"] = json!("our-own-name");
            let body = body.to_string();
            let unsigned = app.http.post(format!("{}/webhooks/nango", app.url)).body(body.clone());
            assert_eq!(unsigned.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
            let request = message(&app, "/webhooks/nango", body.as_bytes()).header("x-github-event", "issues");
            taken(request.header("x-github-delivery", format!("g-{number}"))).await;
        }
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 3);
        assert_eq!(db.number("select count(*) from inbox").await, 3);
        app.stop().await;
    }

    /// Defect: filters look for labels in fields that webhooks lack, drop alerts without an
    /// issue, cannot select merges, and take comments for issues.
    async fn filters_see_the_real_payloads_of_the_services(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "linear", json!({"labels": ["bug"]})).await;
        let mut issue = recording("linear", "Issue", "create");
        issue.body["data"]["labels"] = json!([{"id": "1", "name": "Bug", "color": "#f00"}]);
        deliver(&app, &hook, &issue, "l-1").await;
        assert_eq!(events(&mut app, &hook).await.len(), 1, "a label of an issue");

        for (kind, action) in [("event_alert", "triggered"), ("error", "created")] {
            let hook = app.hook("acme", "sentry", json!({"events": [kind]})).await;
            deliver(&app, &hook, &recording("sentry", kind, action), "s").await;
            assert_eq!(events(&mut app, &hook).await.len(), 1, "{kind}");
        }

        let config = json!({"events": ["pull_request.closed"], "merged": true});
        let hook = app.hook("acme", "github", config).await;
        let mut merge = recording("github", "pull_request", "closed");
        deliver(&app, &hook, &merge, "g-1").await;
        assert!(events(&mut app, &hook).await.is_empty(), "closed without a merge");
        merge.body["pull_request"]["merged"] = json!(true);
        deliver(&app, &hook, &merge, "g-2").await;
        assert_eq!(events(&mut app, &hook).await.len(), 1, "a merge");

        for (wanted, kind, action) in [("issues", "issue_comment", "created"), ("pull_request", "pull_request_review", "submitted")] {
            let hook = app.hook("acme", "github", json!({"events": [wanted]})).await;
            deliver(&app, &hook, &recording("github", kind, action), "g").await;
            assert!(events(&mut app, &hook).await.is_empty(), "{kind} is no {wanted}");
        }
        app.stop().await;
    }

    /// Defect: the run of a skipped event goes on and moves the event back to processing, a
    /// run that has timed out completes, and the event of a failed run stays queued.
    async fn an_event_and_its_run_end_together_and_once(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let issue = recording("github", "issues", "opened");
        for delivery in ["one", "two", "three"] {
            deliver(&app, &hook, &issue, delivery).await;
        }
        let queued = events(&mut app, &hook).await;
        assert_eq!(queued.len(), 3);
        for (event, how) in queued.iter().zip(["skip", "cancel", "fail"]) {
            let event = format!("/v1/events/{}", text(&event["id"]));
            let run = format!("/v1/runs/{}", text(&app.get("acme", &event).await["run"]["id"]));
            match how {
                "skip" => app.post("acme", &format!("{event}/skip"), json!({})).await,
                "cancel" => app.post("acme", &format!("{run}/cancel"), json!({})).await,
                _ => {
                    app.post("acme", &format!("{run}/start"), json!({})).await;
                    let failed = json!({"completion_id": "c", "outcome": "failed"});
                    app.post("acme", &format!("{run}/complete"), failed).await
                }
            };
            let before = app.get("acme", &event).await;
            assert!(["skipped", "failed"].contains(&text(&before["event"]["status"]).as_str()));
            for (what, body) in [
                ("start", json!({})),
                ("heartbeat", json!({})),
                ("complete", json!({"completion_id": "late", "outcome": "succeeded"})),
            ] {
                let refused = app.call("acme", Method::POST, &format!("{run}/{what}"), Some(body)).await;
                assert_eq!(refused.status(), StatusCode::CONFLICT, "{what} after {how}");
            }
            assert_eq!(app.get("acme", &event).await, before);
        }
        app.stop().await;
    }

    /// Defect: a consumer that fails after the start of a run cannot retry, so the run idles
    /// until it times out.
    async fn a_consumer_resumes_a_run_that_it_has_started(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({})).await;
        deliver(&app, &hook, &recording("github", "issues", "opened"), "d").await;
        for _ in 0..2 {
            let claim = json!({"max": 1, "lease_seconds": 60, "wait_seconds": 20});
            let message = app.post("acme", "/v1/outbox/claim", claim).await["items"][0].clone();
            let start = format!("/v1/runs/{}/start", text(&message["payload"]["run_id"]));
            let started = app.post("acme", &start, json!({"start_id": "worker 1"})).await;
            assert_eq!((&started["run"]["status"], &started["run"]["attempt"]), (&json!("running"), &json!(1)));
            let nack = format!("/v1/outbox/{}/nack", text(&message["id"]));
            let body = json!({"lease_token": message["lease_token"], "retry_after_seconds": 0});
            app.post("acme", &nack, body).await;
        }
        app.stop().await;
    }

    /// Defect: bodies beyond 100 kB, NUL characters and forms are refused, and unsigned
    /// requests leave a row.
    async fn real_bodies_are_accepted_and_unsigned_requests_leave_no_row(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let hook = app.hook("acme", "github", json!({})).await;
        let mut large = recording("github", "issues", "opened");
        large.body["issue"]["body"] = json!("x".repeat(500_000));
        deliver(&app, &hook, &large, "large").await;
        let mut nul = recording("github", "issues", "opened");
        nul.body["issue"]["title"] = json!("a\u{0}b");
        deliver(&app, &hook, &nul, "nul").await;
        let json = recording("github", "issues", "opened").body.to_string();
        let form = github::form(&json);
        let request = github::delivery(&app.http, &hook.url, &hook.secret, "issues", "form", form.as_bytes());
        let mut request = request.build().unwrap();
        request.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        assert_eq!(app.http.execute(request).await.unwrap().status(), StatusCode::OK);
        app.settled().await;
        let titles: Vec<_> = events(&mut app, &hook).await.iter().map(|event| text(&event["title"])).collect();
        assert_eq!(titles.len(), 3, "{titles:?}");
        assert!(titles[1].ends_with("opened: a\u{fffd}b"), "{titles:?}");

        let rows = db.number("select count(*) from inbox").await;
        for path in ["/webhooks/direct/github", "/webhooks/direct/nobody", "/webhooks/t/nobody", "/webhooks/nango"] {
            let response = app.http.post(format!("{}{path}", app.url)).body("{}").send().await.unwrap();
            assert!(response.status().is_client_error(), "{path}");
        }
        assert_eq!(db.number("select count(*) from inbox").await, rows);
        app.stop().await;
    }

    /// Defect: direct webhooks are stored and then fail.
    async fn direct_webhooks_start_runs(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        for provider in triggerhouse_tests::services::PROVIDERS {
            let body = json!({"provider": provider, "secret": "s"});
            let integration = app.post("acme", "/v1/integrations", body).await;
            let body = json!({"name": "t", "provider": provider, "kind": "webhook",
                "integration_id": integration["integration"]["id"]});
            let trigger = text(&app.post("acme", "/v1/triggers", body).await["trigger"]["id"]);
            let hook = Hook { trigger, url: text(&integration["webhook_url"]), secret: "s".into() };
            deliver(&app, &hook, &recorded(provider)[0], "d").await;
            assert_eq!(events(&mut app, &hook).await.len(), 1, "{provider}");
        }
        app.stop().await;
    }

    /// Defect: a delivery is parsed before its acknowledgment, and once more after it.
    async fn the_ingress_parses_nothing(db: &TestDb) {
        let mut app = TestApp::start_with(db, "roles = ['ingress', 'api']").await;
        let hook = app.hook("acme", "echo", json!({})).await;
        // The guest traps when it parses this.
        let body = json!({"do": "trap"}).to_string();
        let request = app.http.post(&hook.url).header("x-echo-signature", github::signature(&hook.secret, body.as_bytes()));
        assert_eq!(request.body(body).send().await.unwrap().status(), StatusCode::OK);
        let waiting = app.all("acme", "/v1/inbox?status=pending").await;
        assert_eq!(waiting.len(), 1);
        assert_eq!((&waiting[0]["attempt"], &waiting[0]["error"]), (&json!(0), &Value::Null));
        app.stop().await;
    }

    /// Defect: a provider is in the code and in no registry.
    async fn the_registry_shows_exactly_the_providers_that_run(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let shown = app.get("acme", "/providers").await["providers"].clone();
        for provider in triggerhouse_tests::services::PROVIDERS {
            assert_eq!(shown[provider]["state"], "active", "{provider}");
            assert_eq!(shown[provider]["kinds"], json!(["webhook"]), "{provider}");
            let hook = app.hook("acme", provider, json!({})).await;
            deliver(&app, &hook, &recorded(provider)[0], "d").await;
            assert_eq!(events(&mut app, &hook).await.len(), 1, "{provider}");
        }
        app.stop().await;
    }

    /// Defect: the displayed URL does not work.
    async fn the_displayed_webhook_url_works(db: &TestDb) {
        let mut app = TestApp::start_with(db, "public_url = 'https://hooks.example.com/th/'").await;
        let hook = app.hook("acme", "github", json!({})).await;
        let path = hook.url.strip_prefix("https://hooks.example.com/th").unwrap();
        let hook = Hook { url: format!("{}{path}", app.url), ..hook };
        deliver(&app, &hook, &recording("github", "issues", "opened"), "d").await;
        assert_eq!(events(&mut app, &hook).await.len(), 1);
        app.stop().await;
    }
}

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Defect: there are several implementations of HMAC, and some compare in variable time.
#[test]
fn the_host_has_the_only_hmac() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for directory in ["host/src", "sdk/src", "providers"] {
        rust_files(&root.join(directory), &mut files);
    }
    let uses = |file: &&PathBuf| fs::read_to_string(file).unwrap().contains("use hmac::");
    let users: Vec<_> = files.iter().filter(uses).collect();
    assert_eq!(users, [&root.join("host/src/verify/hmac.rs")]);
    let code = fs::read_to_string(users[0]).unwrap();
    assert!(code.contains("ct_eq") || code.contains("ConstantTimeEq"));
}
