//! The host in its own process, as an operator starts it.
#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use crate::{TestDb, files};
use std::process::Stdio;
use tokio::process::{Child, Command};

/// The key of [`crate::app::config`], so that this process opens what a host in the test's
/// process has sealed.
const MASTER_KEY: &str = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI=";

/// Starts a host on the database, with all providers and the guest `echo`. `settings` are
/// environment variables without `TRIGGERHOUSE_`. Dropping the child kills it.
///
/// # Panics
/// If it cannot be started.
pub fn serve(db: &TestDb, port: u16, settings: &[(&str, &str)]) -> Child {
    let config = db.directory.path().join("config.toml");
    let echo = files::guest("guest_echo");
    let entry = format!("[[providers]]\ncomponent = '{}'\n", echo.display());
    std::fs::write(&config, entry).expect("a configuration");
    let settings = settings
        .iter()
        .map(|(name, value)| (format!("TRIGGERHOUSE_{name}"), *value));
    Command::new(files::binary())
        .args(["serve", "--database-url", &db.url])
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .arg("--providers")
        .arg(files::providers())
        .arg("--config")
        .arg(config)
        .env("TRIGGERHOUSE_MASTER_KEY", MASTER_KEY)
        .env(
            "TRIGGERHOUSE_COMPONENT_CACHE_DIR",
            files::providers().join("cache"),
        )
        .env("TRIGGERHOUSE_LOG_FILTER", "error")
        .envs(settings)
        .current_dir(db.directory.path())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("a process")
}

/// Sends SIGTERM to a process.
///
/// # Panics
/// If it has ended already.
pub async fn terminate(child: &Child) {
    let id = child.id().expect("a running process").to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status().await;
    assert!(sent.expect("kill").success());
}
