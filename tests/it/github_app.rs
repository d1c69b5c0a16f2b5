//! The single URL of a GitHub App: news about installations, and their deliveries.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use triggerhouse_tests::app::text;
use triggerhouse_tests::services::{Recorded, recorded};
use triggerhouse_tests::{TestApp, github, nango::taken, on_both};

const PATH: &str = "/api/webhooks/github-app";

async fn installed(app: &mut TestApp) -> String {
    let body = json!({"provider": "github", "account": "51234567"});
    let integration = app.post("acme", "/v1/integrations", body).await;
    let integration = text(&integration["integration"]["id"]);
    let body = json!({"name": "t", "provider": "github", "kind": "webhook",
        "integration_id": integration, "config": {"events": ["issues"]}});
    app.post("acme", "/v1/triggers", body).await;
    integration
}

async fn post(app: &TestApp, event: &str, guid: &str, body: &Value) -> Value {
    let url = format!("{}{PATH}", app.url);
    let body = body.to_string();
    let request = github::delivery(
        &app.http,
        &url,
        github::APP_SECRET,
        event,
        guid,
        body.as_bytes(),
    );
    taken(request).await
}

fn installation(action: &str, updated_at: &str) -> Value {
    json!({
        "action": action,
        "installation": {"id": 51_234_567, "app_slug": "ours", "updated_at": updated_at,
            "account": {"login": "octo-org", "type": "Organization"}},
        "sender": {"login": "octocat", "type": "User"}
    })
}

fn issue(number: u64) -> Value {
    let mut issue: Value = serde_json::from_slice(&github::issue("opened", number)).unwrap();
    issue["installation"] = json!({"id": 51_234_567});
    issue
}

async fn status(app: &mut TestApp, integration: &str) -> (String, Value) {
    let path = format!("/v1/integrations/{integration}");
    let integration = app.get("acme", &path).await;
    (
        text(&integration["status"]),
        integration["status_reason"].clone(),
    )
}

on_both! {
    async fn an_installation_is_suspended_resumed_and_deleted(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let integration = installed(&mut app).await;
        let suspended = installation("suspend", "2026-01-02T00:00:00Z");
        post(&app, "installation", "g-1", &suspended).await;
        assert_eq!(
            status(&mut app, &integration).await,
            ("suspended".into(), json!("the installation was suspended at GitHub"))
        );
        let kept = post(&app, "issues", "g-2", &issue(1)).await;
        app.settled().await;
        let delivery = app.get("acme", &format!("/v1/inbox/{}", text(&kept["id"]))).await;
        assert_eq!(delivery["delivery"]["outcome"], "the integration's status is suspended: it starts no run");

        post(&app, "installation", "g-3", &installation("unsuspend", "2026-01-03T00:00:00Z")).await;
        assert_eq!(status(&mut app, &integration).await, ("active".into(), Value::Null));
        post(&app, "issues", "g-4", &issue(2)).await;
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1);

        // GitHub redelivers the old message.
        post(&app, "installation", "g-1", &suspended).await;
        assert_eq!(status(&mut app, &integration).await.0, "active");

        post(&app, "installation", "g-5", &installation("new_permissions_accepted", "2026-01-04T00:00:00Z")).await;
        assert_eq!(status(&mut app, &integration).await.0, "active");
        post(&app, "installation", "g-6", &installation("deleted", "2026-01-05T00:00:00Z")).await;
        assert_eq!(
            status(&mut app, &integration).await,
            ("deleted".into(), json!("the App was uninstalled at GitHub"))
        );
        post(&app, "issues", "g-7", &issue(3)).await;
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1);
        app.stop().await;
    }

    async fn the_app_route_and_the_account_route_share_deliveries(db: &TestDb) {
        let mut app = TestApp::start_with(db, "[[providers]]\nid = 'github'\napp_secrets = ['direct']").await;
        installed(&mut app).await;
        let answer = post(&app, "issues", "g-1", &issue(1)).await;
        assert_eq!(answer["duplicate"], false);
        let direct = format!("{}/webhooks/direct/github", app.url);
        let body = issue(1).to_string();
        let repeated = taken(github::delivery(&app.http, &direct, "direct", "issues", "g-1", body.as_bytes())).await;
        assert_eq!(repeated, json!({"id": answer["id"], "duplicate": true}));
        app.settled().await;
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1);
        app.stop().await;
    }

    async fn an_unsigned_message_changes_nothing(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let integration = installed(&mut app).await;
        let url = format!("{}{PATH}", app.url);
        let body = installation("deleted", "2026-01-02T00:00:00Z").to_string();
        for secret in ["wrong", "", "echo-app-secret"] {
            let request = github::delivery(&app.http, &url, secret, "installation", "g", body.as_bytes());
            assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
        }
        let unsigned = app.http.post(&url).header("x-github-event", "installation").body(body);
        assert_eq!(unsigned.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
        assert_eq!(status(&mut app, &integration).await.0, "active");
        assert_eq!(db.number("select count(*) from inbox").await, 0);
        app.stop().await;
    }

    async fn recorded_installation_messages_set_the_status(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let url = format!("{}{PATH}", app.url);
        let news = recorded("github").into_iter().filter(|recorded| recorded.headers[0].1 == "installation");
        let news: Vec<_> = news.collect();
        // GitHub writes a time as text or as a number of seconds.
        let time = |recorded: &Recorded| recorded.body["installation"]["updated_at"].clone();
        assert!(news.iter().any(|recorded| time(recorded).is_string()));
        assert!(news.iter().any(|recorded| time(recorded).is_number()));
        for (number, recorded) in news.iter().enumerate() {
            let account = recorded.body["installation"]["id"].to_string();
            let body = json!({"provider": "github", "account": account});
            let created = app.post("acme", "/v1/integrations", body).await;
            let integration = text(&created["integration"]["id"]);
            let request = recorded.delivery(&app.http, &url, github::APP_SECRET, &format!("g-{number}"));
            assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
            let expected = match recorded.body["action"].as_str().unwrap() {
                "deleted" => "deleted",
                "suspend" => "suspended",
                _ => "active",
            };
            assert_eq!(status(&mut app, &integration).await.0, expected, "{}", recorded.body);
            app.call("acme", Method::DELETE, &format!("/v1/integrations/{integration}"), None).await;
        }
        app.stop().await;
    }

    async fn a_redelivered_message_is_not_applied_again(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let integration = installed(&mut app).await;
        // Both messages have the same time.
        let (suspend, resume) = (
            installation("suspend", "2026-01-02T00:00:00Z"),
            installation("unsuspend", "2026-01-02T00:00:00Z"),
        );
        post(&app, "installation", "g-1", &suspend).await;
        post(&app, "installation", "g-2", &resume).await;
        post(&app, "installation", "g-1", &suspend).await;
        assert_eq!(status(&mut app, &integration).await.0, "active");
        post(&app, "installation", "g-3", &suspend).await;
        assert_eq!(status(&mut app, &integration).await.0, "suspended", "another one of the same second");
        app.stop().await;
    }

    async fn of_concurrent_messages_the_newest_counts(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let integration = installed(&mut app).await;
        for round in 0..8 {
            let all = (0..12).map(|n| {
                let action = if n % 2 == 0 { "suspend" } else { "unsuspend" };
                let message = installation(action, &format!("2026-01-{:02}T00:00:{n:02}Z", round + 1));
                let url = format!("{}{PATH}", app.url);
                let guid = format!("g-{round}-{n}");
                let body = message.to_string();
                let request = github::delivery(&app.http, &url, github::APP_SECRET, "installation", &guid, body.as_bytes());
                tokio::spawn(async move { request.send().await.unwrap().status() })
            });
            for answer in all.collect::<Vec<_>>() {
                assert_eq!(answer.await.unwrap(), StatusCode::OK);
            }
            assert_eq!(status(&mut app, &integration).await.0, "active", "round {round}");
        }
        app.stop().await;
    }

    async fn a_form_encoded_message_is_applied(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let integration = installed(&mut app).await;
        let url = format!("{}{PATH}", app.url);
        let json = installation("deleted", "2026-01-02T00:00:00Z").to_string();
        let body = github::form(&json);
        let request = github::delivery(&app.http, &url, github::APP_SECRET, "installation", "g", body.as_bytes());
        let mut request = request.build().unwrap();
        let form = "application/x-www-form-urlencoded".parse().unwrap();
        request.headers_mut().insert("content-type", form);
        assert_eq!(app.http.execute(request).await.unwrap().status(), StatusCode::OK);
        assert_eq!(status(&mut app, &integration).await.0, "deleted");
        app.stop().await;
    }

    async fn a_disabled_provider_accepts_no_delivery(db: &TestDb) {
        let app = TestApp::start_with(db, "[[providers]]\nid = 'github'\nenabled = false").await;
        let url = format!("{}{PATH}", app.url);
        let body = issue(1).to_string();
        let request = github::delivery(&app.http, &url, github::APP_SECRET, "issues", "g", body.as_bytes());
        assert_eq!(request.send().await.unwrap().status(), StatusCode::NOT_FOUND);
        app.stop().await;
    }

    async fn without_a_secret_every_message_is_refused(db: &TestDb) {
        let app = TestApp::start_with(db, "[github_app]\nwebhook_secret = ''").await;
        let body = installation("deleted", "2026-01-02T00:00:00Z").to_string();
        let url = format!("{}{PATH}", app.url);
        for secret in ["", github::APP_SECRET] {
            let request = github::delivery(&app.http, &url, secret, "installation", "g", body.as_bytes());
            assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
        }
        app.stop().await;
    }

    async fn installation_messages_are_accepted_without_a_registered_provider(db: &TestDb) {
        let app = TestApp::start_with(db, "providers_dir = ''").await;
        let heard = post(&app, "installation", "g", &installation("deleted", "2026-01-02T00:00:00Z")).await;
        assert_eq!(heard, json!({"integration_id": null, "status": null}));
        let url = format!("{}{PATH}", app.url);
        let body = issue(1).to_string();
        let request = github::delivery(&app.http, &url, github::APP_SECRET, "issues", "g", body.as_bytes());
        assert_eq!(request.send().await.unwrap().status(), StatusCode::NOT_FOUND);
        app.stop().await;
    }
}
