//! The host in the test's process, on a free port.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use crate::db::TestDb;
use crate::{files, github, nango};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use std::collections::HashMap;
use triggerhouse::app::{App, create_key};
use triggerhouse::config::Config;

/// A running host with a client.
pub struct TestApp {
    /// The base URL: `http://127.0.0.1:…`.
    pub url: String,
    /// The host.
    pub app: App,
    /// A client without a key.
    pub http: Client,
    keys: HashMap<String, String>,
}

/// A webhook trigger.
pub struct Hook {
    /// `trg_…`
    pub trigger: String,
    /// The URL for deliveries.
    pub url: String,
    /// The secret that signs deliveries.
    pub secret: String,
}

/// The configuration of a test's host: all providers, and quick retries.
///
/// # Panics
/// If it is not valid.
pub fn config(db: &TestDb, extra: &str) -> Config {
    let base = format!(
        r#"
        listen = "127.0.0.1:0"
        database_url = "{url}"
        database_connections_max = 8
        master_key = "{key}"
        providers_dir = "{providers}"
        component_cache_dir = "{cache}"
        [inbox]
        retry_base_ms = 20
        retry_max_ms = 50
        retry_seconds_max = 2
        poll_ms = 50
        [nango]
        signing_key = "{nango}"
        [github_app]
        webhook_secret = "{github_app}"
        [[providers]]
        component = "{echo}"
        app_secrets = ["echo-app-secret"]
        "#,
        url = db.url,
        key = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI=",
        providers = files::providers().display(),
        cache = files::providers().join("cache").display(),
        echo = files::guest("guest_echo").display(),
        nango = nango::SIGNING_KEY,
        github_app = github::APP_SECRET,
    );
    let mut table: toml::Table = base.parse().expect("a configuration");
    let extra: toml::Table = extra.parse().expect("a configuration");
    for (key, value) in extra {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(table)), toml::Value::Table(more)) => table.extend(more),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
    Config::load(None, std::iter::empty(), table).expect("a configuration")
}

impl TestApp {
    /// Starts a host on the database.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(db: &TestDb) -> Self {
        Self::start_with(db, "").await
    }

    /// Starts a host with further configuration, as TOML.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_with(db: &TestDb, extra: &str) -> Self {
        let app = App::start(config(db, extra), |_| {})
            .await
            .expect("a running host");
        Self {
            url: format!("http://{}", app.address),
            http: crate::client(),
            app,
            keys: HashMap::new(),
        }
    }

    /// Stops it.
    pub async fn stop(self) {
        self.app.stop().await;
    }

    /// Returns the key of an organization, and creates it at the first call.
    ///
    /// # Panics
    /// If the database fails.
    pub async fn key(&mut self, org: &str) -> String {
        if let Some(key) = self.keys.get(org) {
            return key.clone();
        }
        let id = org.parse().expect("an organization id");
        let (_, key) = create_key(&self.app.store, &id, "test")
            .await
            .expect("a key");
        self.keys.insert(org.into(), key.expose().into());
        key.expose().into()
    }

    /// Sends one call as an organization.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn call(
        &mut self,
        org: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Response {
        let key = self.key(org).await;
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.expect("an answer")
    }

    /// Sends a GET that succeeds.
    ///
    /// # Panics
    /// If it fails.
    pub async fn get(&mut self, org: &str, path: &str) -> Value {
        ok(self.call(org, Method::GET, path, None).await, path).await
    }

    /// Sends a POST that succeeds.
    ///
    /// # Panics
    /// If it fails.
    pub async fn post(&mut self, org: &str, path: &str, body: Value) -> Value {
        ok(self.call(org, Method::POST, path, Some(body)).await, path).await
    }

    /// Creates a webhook trigger of a provider.
    ///
    /// # Panics
    /// If it cannot be created.
    pub async fn hook(&mut self, org: &str, provider: &str, config: Value) -> Hook {
        let body =
            json!({"name": "test", "provider": provider, "kind": "webhook", "config": config});
        let created = self.post(org, "/v1/triggers", body).await;
        Hook {
            trigger: text(&created["trigger"]["id"]),
            url: text(&created["webhook_url"]),
            secret: text(&created["webhook_secret"]),
        }
    }

    /// Reads a whole list, page by page.
    ///
    /// # Panics
    /// If a page is refused.
    pub async fn all(&mut self, org: &str, path: &str) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self
                .get(org, &format!("{path}{joint}limit=100{cursor}"))
                .await;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// Waits until no delivery is due or in progress.
    ///
    /// # Panics
    /// If that never happens.
    pub async fn settled(&self) {
        crate::eventually("an empty inbox", async || {
            self.app.store.has_work().await.is_ok_and(|work| !work)
        })
        .await;
    }
}

async fn ok(response: Response, path: &str) -> Value {
    let status = response.status();
    let text = response.text().await.expect("a body");
    assert!(status.is_success(), "{path}: {status} {text}");
    if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).expect("JSON")
    }
}

/// The string of a JSON value.
///
/// # Panics
/// If the value is no string.
pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("expected a string, got {value}"))
        .to_owned()
}

/// A port without a listener.
///
/// # Panics
/// If there is none.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Waits until a host is ready.
///
/// # Panics
/// If it never does.
pub async fn ready(client: &Client, port: u16) {
    crate::eventually("a ready host", async || {
        let url = format!("http://127.0.0.1:{port}/readyz");
        client
            .get(url)
            .send()
            .await
            .is_ok_and(|response| response.status().is_success())
    })
    .await;
}
