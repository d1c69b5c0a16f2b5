//! The most verbose log of a busy host contains no key, secret, signature or payload.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs::File;
use tokio::process::{Child, Command};
use triggerhouse_tests::app::{self, text};
use triggerhouse_tests::services::{PROVIDERS, recorded};
use triggerhouse_tests::{Kind, TestApp, TestDb, client, eventually, files, github, nango};

const MASTER_KEY: &str = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI=";
/// The most verbose filter, without the compiler of components: it sees no payload and
/// writes gigabytes.
const FILTER: &str =
    "trace,cranelift_codegen=off,regalloc2=off,wasmtime=info,wasmtime_cranelift=off";
/// A Redis that is not there.
const REDIS_URL: &str = "redis://:what-only-redis-knows@127.0.0.1:1";
const REDIS_PASSWORD: &str = "what-only-redis-knows";
/// A sink that is not there.
const SINK: &str = "http://127.0.0.1:1/a-sinks-path?token=a-sinks-token";
const MARK: &str = "what-only-the-sender-knows";

struct Host {
    child: Child,
    url: String,
    key: String,
    http: reqwest::Client,
    /// Texts that the log must not contain.
    secrets: Vec<String>,
}

impl Host {
    async fn start(db: &TestDb, key: String, log: &File) -> Self {
        let port = app::free_port();
        let child = Command::new(files::binary())
            .args(["serve", "--database-url", &db.url])
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(["--providers", files::providers().to_str().unwrap()])
            .env("TRIGGERHOUSE_MASTER_KEY", MASTER_KEY)
            .env("TRIGGERHOUSE_NANGO_SIGNING_KEY", nango::SIGNING_KEY)
            .env("TRIGGERHOUSE_GITHUB_APP_WEBHOOK_SECRET", github::APP_SECRET)
            .env("TRIGGERHOUSE_REDIS_URL", REDIS_URL)
            .env("TRIGGERHOUSE_SINKS_ALLOW_HOSTS", "['127.0.0.1:1']")
            .env("TRIGGERHOUSE_LOG_FILTER", FILTER)
            .env(
                "TRIGGERHOUSE_COMPONENT_CACHE_DIR",
                files::providers().join("cache"),
            )
            .env("TRIGGERHOUSE_INBOX_RETRY_BASE_MS", "10")
            .env("TRIGGERHOUSE_INBOX_RETRY_SECONDS_MAX", "1")
            .current_dir(db.directory.path())
            .stdout(log.try_clone().unwrap())
            .stderr(log.try_clone().unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let http = client();
        app::ready(&http, port).await;
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            http,
            secrets: vec![
                MASTER_KEY.into(),
                nango::SIGNING_KEY.into(),
                github::APP_SECRET.into(),
                MARK.into(),
                REDIS_PASSWORD.into(),
                key.clone(),
            ],
            key,
        }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.url));
        let response = request.bearer_auth(&self.key).json(&body).send().await;
        let response = response.unwrap();
        assert!(response.status().is_success(), "{path}");
        response.json().await.unwrap()
    }

    /// Sends valid, forged and malformed deliveries, signed in a header and in the query.
    async fn deliver(&mut self, url: &str, secret: &str, guid: &str) {
        let issue = String::from_utf8(github::issue("opened", 7)).unwrap();
        let issue = issue.replace("Issue 7", MARK);
        for (body, secret, expected) in [
            (issue.as_str(), secret, StatusCode::OK),
            (&issue[..200], secret, StatusCode::OK),
            (issue.as_str(), "a-wrong-secret", StatusCode::UNAUTHORIZED),
        ] {
            let url = format!("{url}?token={MARK}");
            let guid = format!("{guid}-{}", body.len());
            let signed =
                github::delivery(&self.http, &url, secret, "issues", &guid, body.as_bytes())
                    .header("x-hub-signature", MARK)
                    .header("cookie", MARK)
                    .header("x-token", MARK);
            assert_eq!(signed.send().await.unwrap().status(), expected, "{url}");
            self.secrets
                .push(github::signature(secret, body.as_bytes()));
        }
        self.secrets.push(secret.into());
        self.secrets.push("a-wrong-secret".into());
    }

    /// Sends to every provider, signed by its scheme and with the secret in the URL.
    async fn deliver_everything(&mut self) {
        for provider in PROVIDERS {
            let body = json!({"name": "t", "provider": provider, "kind": "webhook"});
            let trigger = self.post("/v1/triggers", body).await;
            let url = text(&trigger["webhook_url"]);
            let secret = text(&trigger["webhook_secret"]);
            for (number, recorded) in recorded(provider).iter().take(5).enumerate() {
                for url in [url.clone(), format!("{url}?token={secret}")] {
                    let id = format!("{number}-{}", url.len());
                    let request = recorded.delivery(&self.http, &url, &secret, &id);
                    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
                }
            }
            self.secrets.push(secret);
        }
    }

    /// Sends news of Nango and GitHub about connections, with texts of their own.
    async fn tell(&self) {
        for news in [
            json!({"type": "auth", "from": "nango", "providerConfigKey": MARK, "connectionId": "c-1",
                "operation": MARK, "success": true}),
            json!({"type": "auth", "from": "nango", "providerConfigKey": MARK, "connectionId": "c-1",
                "operation": "refresh", "success": false, "error": {"description": MARK}}),
            json!({"type": "sync", "from": "nango", "providerConfigKey": MARK, "connectionId": MARK, "syncName": MARK}),
            json!({"type": MARK, "from": "nango", "providerConfigKey": MARK, "connectionId": MARK}),
        ] {
            let body = news.to_string();
            let signature = nango::signature(nango::SIGNING_KEY, body.as_bytes());
            let request = self.http.post(format!("{}/api/webhooks/nango", self.url));
            let request = request.header("x-nango-hmac-sha256", signature).body(body);
            assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
        }
        let body =
            json!({"action": MARK, "installation": {"id": 1, "updated_at": MARK}}).to_string();
        let url = format!("{}/api/webhooks/github-app", self.url);
        let request = github::delivery(
            &self.http,
            &url,
            github::APP_SECRET,
            "installation",
            "i",
            body.as_bytes(),
        );
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    }

    /// Creates a sink that fails, and whose URL is a secret.
    async fn hand_over(&mut self) {
        let sink = json!({"kind": "http", "url": SINK});
        let created = self.post("/v1/sinks", sink).await;
        let path = format!("/v1/sinks/{}", text(&created["sink"]["id"]));
        let automation = self.post("/v1/automations", json!({"name": "a"})).await;
        let run = format!(
            "/v1/automations/{}/run",
            text(&automation["automation"]["id"])
        );
        self.post(&run, json!({})).await;
        eventually("a failure", async || {
            let request = self.http.get(format!("{}{path}", self.url));
            let sink = request.bearer_auth(&self.key).send().await.unwrap();
            let sink: Value = sink.json().await.unwrap();
            sink["health"]["failures"].as_u64() > Some(0)
        })
        .await;
        self.secrets.push(text(&created["secret"]));
        for part in ["a-sinks-path", "a-sinks-token"] {
            self.secrets.push(part.into());
        }
    }

    /// Sends wrong keys and secrets, which may be another tenant's.
    async fn refuse(&mut self) {
        for key in ["th_a-key-that-is-none", MARK] {
            let request = self.http.get(format!("{}/v1/runs", self.url));
            let response = request.bearer_auth(key).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            self.secrets.push(key.into());
        }
        for body in [
            json!({"provider": "github", "secret": MARK, "unknown": MARK}),
            json!({"provider": "github", "credential": MARK}),
            json!({"provider": "github", "credential": {"type": MARK, "token": MARK}}),
            json!({"provider": MARK, "credential": {"type": "token", "token": MARK}}),
        ] {
            let request = self.http.post(format!("{}/v1/integrations", self.url));
            let response = request.bearer_auth(&self.key).json(&body).send().await;
            assert!(response.unwrap().status().is_client_error());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_contains_no_secret_and_no_payload() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let db = TestDb::create(kind).await;
        let mut app = TestApp::start(&db).await;
        let key = app.key("acme").await;
        app.stop().await;
        let log_file = db.directory.path().join("log");
        let log = File::create(&log_file).unwrap();
        let mut host = Host::start(&db, key, &log).await;

        let body = json!({"name": "t", "provider": "github", "kind": "webhook"});
        let trigger = host.post("/v1/triggers", body).await;
        let (url, secret) = (
            text(&trigger["webhook_url"]),
            text(&trigger["webhook_secret"]),
        );
        host.deliver(&url, &secret, "a").await;
        let rotate = format!(
            "/v1/triggers/{}/rotate-secret",
            text(&trigger["trigger"]["id"])
        );
        let rotated = text(&host.post(&rotate, json!({})).await["webhook_secret"]);
        host.deliver(&url, &rotated, "b").await;
        let body = json!({"provider": "github", "account": "51234567", "connection_id": "c-1",
            "secret": "an-integrations-secret",
            "credential": {"type": "oauth_refresh", "token_url": "https://login.example.com/token",
                "client_id": "c", "client_secret": "a-clients-secret", "refresh_token": "a-refresh-token"}});
        let integration = host.post("/v1/integrations", body).await;
        for secret in ["a-clients-secret", "a-refresh-token"] {
            host.secrets.push(secret.into());
        }
        let url = text(&integration["webhook_url"]);
        host.deliver(&url, "an-integrations-secret", "c").await;
        let url = format!("{}/api/webhooks/github-app", host.url);
        host.deliver(&url, github::APP_SECRET, "d").await;

        let body = nango::envelope("c-1", &json!({"title": MARK})).to_string();
        let signature = nango::signature(nango::SIGNING_KEY, body.as_bytes());
        for (signature, expected) in [(signature.as_str(), 200), (MARK, 401)] {
            let request = host.http.post(format!("{}/webhooks/nango", host.url));
            let request = request.header("x-nango-hmac-sha256", signature);
            let response = request.body(body.clone()).send().await.unwrap();
            assert_eq!(response.status(), expected);
        }
        host.secrets.push(signature);
        host.refuse().await;
        host.deliver_everything().await;
        host.tell().await;

        let runs = format!("{}/v1/outbox/claim", host.url);
        let leases = std::cell::RefCell::new(Vec::new());
        eventually("a run", async || {
            let request = host.http.post(&runs).bearer_auth(&host.key);
            let body = json!({"max": 10, "lease_seconds": 1});
            let claimed: Value = request
                .json(&body)
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            let items = claimed["items"].as_array().unwrap();
            let tokens = items.iter().map(|item| text(&item["lease_token"]));
            leases.borrow_mut().extend(tokens);
            !items.is_empty()
        })
        .await;
        host.secrets.extend(leases.into_inner());
        eventually("a dead letter", async || {
            let request = host
                .http
                .request(Method::GET, format!("{}/v1/inbox?status=failed", host.url));
            let response = request.bearer_auth(&host.key).send().await.unwrap();
            let failed: Value = response.json().await.unwrap();
            failed["items"].as_array().unwrap().len() >= 2
        })
        .await;
        host.hand_over().await;
        host.child.kill().await.unwrap();

        let log = std::fs::read_to_string(&log_file).unwrap();
        for expected in [
            "triggerhouse is ready",
            "refused a delivery that could not be verified",
            "a delivery is a dead letter now",
            "a message was not accepted",
            "DEBUG",
        ] {
            assert!(
                log.contains(expected),
                "the log lacks {expected:?}: is it one?"
            );
        }
        for secret in &host.secrets {
            let shows = log.find(secret.as_str());
            let around = shows.map(|at| log[..at].lines().next_back().unwrap_or_default());
            assert!(
                shows.is_none(),
                "{kind:?}: {secret:?} shows after {around:?}"
            );
        }
        db.remove().await;
    }
}
