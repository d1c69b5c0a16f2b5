//! Hosts in processes of their own, which tests stop, pause and kill.

use super::QUICK;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use triggerhouse_tests::gmail::GmailServer;
use triggerhouse_tests::{TestDb, app, client, eventually, files};

const KEY: &str = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI=";

/// A running host.
pub(super) struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Process {
    /// Starts a host that polls `gmail`. `polling` are further settings of `[polling]`,
    /// `more` are whole tables.
    pub(super) async fn start(db: &TestDb, gmail: &GmailServer, polling: &str, more: &str) -> Self {
        Self::start_all(db, gmail, polling, more, "").await
    }

    /// Starts a host with this Redis.
    pub(super) async fn start_with(
        db: &TestDb,
        gmail: &GmailServer,
        polling: &str,
        redis_url: &str,
    ) -> Self {
        Self::start_all(db, gmail, polling, "", redis_url).await
    }

    /// Starts a host, with a Redis if there is one.
    pub(super) async fn start_all(
        db: &TestDb,
        gmail: &GmailServer,
        polling: &str,
        more: &str,
        redis_url: &str,
    ) -> Self {
        let port = app::free_port();
        let config = format!(
            "listen = '127.0.0.1:{port}'\ndatabase_url = '{url}'\nproviders_dir = '{providers}'\n\
             component_cache_dir = '{cache}'\nredis_url = '{redis_url}'\nroles = ['workers', 'api']\n\
             {QUICK}{polling}\n{more}\n{gmail}",
            url = db.url,
            providers = files::providers().display(),
            cache = files::providers().join("cache").display(),
            gmail = gmail.provider(),
        );
        let path = db.directory.path().join(format!("{port}.toml"));
        std::fs::write(&path, config).unwrap();
        let mut child = Command::new(files::binary())
            .args(["serve", "--config", path.to_str().unwrap()])
            .env("TRIGGERHOUSE_MASTER_KEY", KEY)
            .env("TRIGGERHOUSE_LOG_FILTER", "triggerhouse=debug,warn")
            .current_dir(db.directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = Arc::<Mutex<String>>::default();
        let (lines, sink) = (child.stderr.take().unwrap(), Arc::clone(&log));
        tokio::spawn(async move {
            let mut lines = BufReader::new(lines).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut log = sink.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        app::ready(&client(), port).await;
        Self { child, log }
    }

    pub(super) fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = std::process::Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Kills the host with SIGKILL: it finishes nothing and releases nothing.
    pub(super) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    pub(super) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(super) async fn says(&self, text: &str) {
        eventually(text, async || self.log().contains(text)).await;
    }
}
