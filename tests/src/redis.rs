//! The private Redis that `make test` starts, and one that a test may kill.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use crate::app::free_port;
use crate::eventually;
use std::path::Path;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// The URL of the server that all tests share.
///
/// # Panics
/// If it is missing.
pub fn shared() -> String {
    std::env::var("TRIGGERHOUSE_TEST_REDIS_URL")
        .expect("TRIGGERHOUSE_TEST_REDIS_URL is not set: run the tests with `make test`")
}

/// Runs one inline command. Returns its answer without the type; None for a nil answer or
/// without a server.
pub async fn command(url: &str, command: &str) -> Option<String> {
    let address = url.rsplit(['/', '@']).next().expect("an address");
    let stream = TcpStream::connect(address).await.ok()?;
    let mut stream = BufReader::new(stream);
    let text = format!("{command}\r\n");
    stream.write_all(text.as_bytes()).await.ok()?;
    let mut lines = stream.lines();
    let first = lines.next_line().await.ok()??;
    match first.split_at_checked(1)? {
        ("$", "-1") => None,
        ("$", _) => lines.next_line().await.ok()?,
        ("-", error) => panic!("{command}: {error}"),
        (_, value) => Some(value.to_owned()),
    }
}

/// Runs one inline command. Returns all texts of its answer, nested ones too; None without
/// a server.
pub async fn texts(url: &str, command: &str) -> Option<Vec<String>> {
    let address = url.rsplit(['/', '@']).next().expect("an address");
    let mut stream = BufReader::new(TcpStream::connect(address).await.ok()?);
    let text = format!("{command}\r\n");
    stream.write_all(text.as_bytes()).await.ok()?;
    let mut lines = stream.lines();
    let (mut texts, mut replies) = (Vec::new(), 1);
    while replies > 0 {
        replies -= 1;
        let line = lines.next_line().await.ok()??;
        match line.split_at_checked(1)? {
            ("*", count) => replies += count.parse::<i32>().expect("a count"),
            ("$", "-1") => {}
            ("$", _) => texts.push(lines.next_line().await.ok()??),
            // The server still loads its file.
            ("-", error) if error.starts_with("LOADING") => return None,
            ("-", error) => panic!("{command}: {error}"),
            (_, value) => texts.push(value.to_owned()),
        }
    }
    Some(texts)
}

/// A server that ends with its test.
pub struct PrivateRedis {
    /// The port of its listener, which stays known after a kill.
    pub port: u16,
    child: Child,
    /// The working directory, which replication needs.
    _directory: TempDir,
}

impl PrivateRedis {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start() -> Self {
        Self::start_on(free_port()).await
    }

    /// Starts one on this port.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_on(port: u16) -> Self {
        let (child, _directory) = spawn(&["--port", &port.to_string()]);
        let redis = Self {
            port,
            child,
            _directory,
        };
        eventually("a Redis of the test's own", async || {
            command(&redis.url(), "PING").await.is_some()
        })
        .await;
        redis
    }

    /// Starts one on this port that keeps every confirmed write in a directory, also after
    /// a kill.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_durable(port: u16, directory: &Path) -> Self {
        let (child, _directory) = spawn(&[
            "--port",
            &port.to_string(),
            "--dir",
            &directory.display().to_string(),
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
        ]);
        let redis = Self {
            port,
            child,
            _directory,
        };
        eventually("a durable Redis", async || {
            texts(&redis.url(), "XLEN nothing").await.is_some()
        })
        .await;
        redis
    }

    /// Starts one that accepts TLS only, with `cert.pem` and `key.pem` of a directory.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_with_tls(directory: &Path) -> Self {
        let port = free_port();
        let file = |name: &str| directory.join(name).display().to_string();
        let (cert, key) = (file("cert.pem"), file("key.pem"));
        let (child, _directory) = spawn(&[
            "--port",
            "0",
            "--tls-port",
            &port.to_string(),
            "--tls-auth-clients",
            "no",
            "--tls-cert-file",
            &cert,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &cert,
        ]);
        eventually("a Redis with TLS", async || {
            TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
        Self {
            port,
            child,
            _directory,
        }
    }

    /// Its URL, without TLS.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it, as a power cut would.
    ///
    /// # Panics
    /// If it has ended already.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("killed");
    }
}

fn spawn(arguments: &[&str]) -> (Child, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .arg("--dir")
        .arg(directory.path())
        .args(arguments)
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("redis-server");
    (child, directory)
}
