//! The documents are true: what they show runs, and what they name exists.
//!
//! Owns: a reader who follows README.md and docs/GUIDE.md command by command, and checks
//! of names, links and lengths in all documents.

mod decisions;
mod demo;
mod markdown;
mod messages;
mod names;
mod reader;
mod sample;
mod shell;

use axum::http::StatusCode;
use axum::{Json, Router};
use markdown::Document;
use reader::Reader;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use triggerhouse_tests::app::free_port;
use triggerhouse_tests::gmail::GmailServer;
use triggerhouse_tests::redis::PrivateRedis;
use triggerhouse_tests::{Kind, TestDb};

/// Lines of README.md at most.
const README_LINES_MAX: usize = 90;

fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// All documents of the project, by their paths; those of providers are theirs.
fn documents() -> Vec<(PathBuf, Document)> {
    let mut paths = vec![PathBuf::from("README.md"), "CONTRIBUTING.md".into()];
    for directory in ["docs", "docs/decisions"] {
        for entry in std::fs::read_dir(root().join(directory)).unwrap() {
            let name = entry.unwrap().file_name();
            let path = Path::new(directory).join(name);
            paths.extend(
                path.extension()
                    .is_some_and(|md| md == "md")
                    .then_some(path),
            );
        }
    }
    paths.sort();
    let parse = |path: PathBuf| {
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        (path, Document::parse(&text))
    };
    paths.into_iter().map(parse).collect()
}

/// The commands that a target of the Makefile runs; panics if there is no such target.
fn make_dry(target: &str) -> String {
    let mut make = Command::new("make");
    make.args(["--dry-run", "--no-print-directory", target])
        .current_dir(root());
    // Of the make that runs the tests.
    for name in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL"] {
        make.env_remove(name);
    }
    let output = make.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "make {target}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= README_LINES_MAX, "README.md has {lines} lines");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readme_does_what_it_says() {
    let mut reader = Reader::start(&[], &[]).await;
    reader.follow(&Document::parse(&read("README.md"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guide_does_what_it_says() {
    let gmail = GmailServer::start().await;
    let tokens = token_endpoint().await;
    let redis = PrivateRedis::start().await;
    let postgres = TestDb::create(Kind::Postgres).await;
    let settings = [
        (
            "TRIGGERHOUSE_CREDENTIALS_ALLOW_HOSTS",
            format!("['{tokens}']"),
        ),
        ("TRIGGERHOUSE_SINKS_POLL_MS", "20".to_owned()),
    ];
    let here = [
        ("9000", free_port().to_string()),
        ("6379", redis.port.to_string()),
        (
            "https://oauth2.googleapis.com/token",
            format!("http://{tokens}/token"),
        ),
        (
            "[[providers]]\nid = \"gmail\"\nallow_hosts = [\"gmail.googleapis.com\"]",
            gmail.provider(),
        ),
        (
            "postgres://triggerhouse:…@127.0.0.1/triggerhouse",
            postgres.url.clone(),
        ),
    ];
    let mut reader = Reader::start(&settings, &here).await;
    reader
        .follow(&Document::parse(&read("docs/GUIDE.md")))
        .await;
    drop(reader);
    postgres.remove().await;
    redis.kill().await;
}

/// Starts a server that renews access tokens. Returns its address.
async fn token_endpoint() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let token = json!({"access_token": "a", "token_type": "Bearer", "expires_in": 3600});
    let answer = move || async move { (StatusCode::OK, Json(token.clone())) };
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}
