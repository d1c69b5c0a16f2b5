//! A Postgres that a test may crash or configure. Unlike the shared one it is durable:
//! commits survive a crash.
#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A server; it ends with the test.
pub struct PrivatePostgres {
    /// The URL of a database on it.
    pub url: String,
    directory: String,
}

impl PrivatePostgres {
    /// Starts one.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start() -> Self {
        Self::of(&services(&["up"]).await)
    }

    /// Starts a standby that follows it.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn standby(&self) -> Self {
        Self::of(&services(&["standby", &self.directory]).await)
    }

    /// Makes a standby take writes.
    ///
    /// # Panics
    /// If it does not.
    pub async fn promote(&self) {
        services(&["promote", &self.directory]).await;
    }

    /// Makes it refuse writes, also on the connections that it has, or take them again.
    ///
    /// # Panics
    /// If it refuses.
    pub async fn set_read_only(&self, is_read_only: bool) {
        let set = format!("alter system set default_transaction_read_only = {is_read_only}");
        let mut server = PgConnection::connect(&self.url).await.expect("Postgres");
        // A server that is read-only changes its settings all the same.
        for change in [set.as_str(), "select pg_reload_conf()"] {
            let change = AssertSqlSafe(change.to_owned());
            server.execute(change).await.expect("a setting");
        }
    }

    /// Its address and port.
    ///
    /// # Panics
    /// Never: `url` has one.
    pub fn address(&self) -> &str {
        let server = self.url.split(['@', '/']).nth(3);
        server.expect("an address")
    }

    fn of(exports: &str) -> Self {
        let value = |name: &str| {
            let line = exports.lines().find_map(|line| {
                let (found, value) = line.trim_start_matches("export ").split_once('=')?;
                (found == name).then(|| value.to_owned())
            });
            line.expect("an export of services.sh")
        };
        Self {
            url: value("TRIGGERHOUSE_TEST_POSTGRES_URL"),
            directory: value("TRIGGERHOUSE_SERVICES_DIR"),
        }
    }

    /// Makes it accept TLS with this certificate. Both texts are PEM.
    ///
    /// # Panics
    /// If it refuses.
    pub async fn offer_tls(&self, certificate: &str, key: &str) {
        let mut server = PgConnection::connect(&self.url).await.expect("Postgres");
        for (file, pem) in [("server.crt", certificate), ("server.key", key)] {
            // The server writes the file, because its user must own the key.
            let write = format!(
                "copy (select unnest(string_to_array('{}', E'\\n'))) to program 'umask 077; cat > {file}'",
                pem.trim_end()
            );
            server.execute(AssertSqlSafe(write)).await.expect("a file");
        }
        for change in ["alter system set ssl = on", "select pg_reload_conf()"] {
            server.execute(change).await.expect("a setting");
        }
    }

    /// Crashes and restarts it.
    ///
    /// # Panics
    /// If it does not start again.
    pub async fn crash(&self) {
        services(&["restart-postgres", &self.directory]).await;
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        let stopped = Command::new(script())
            .args(["down", &self.directory])
            .status();
        stopped.expect("services.sh");
    }
}

fn script() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("the project").join("scripts/services.sh")
}

async fn services(arguments: &[&str]) -> String {
    let done = tokio::process::Command::new(script())
        .args(arguments)
        .output();
    let done = done.await.expect("services.sh");
    let error = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "services.sh {arguments:?}: {error}");
    String::from_utf8(done.stdout).expect("text")
}
