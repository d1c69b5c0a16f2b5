//! Files of the tests: built components and recorded payloads.
#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};

fn directory(variable: &str) -> PathBuf {
    let directory = std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run the tests with `make test`"));
    PathBuf::from(directory)
}

/// The shipped providers, as components.
pub fn providers() -> PathBuf {
    directory("TRIGGERHOUSE_TEST_PROVIDERS_DIR")
}

/// A guest that exists only for tests.
pub fn guest(name: &str) -> PathBuf {
    directory("TRIGGERHOUSE_TEST_GUESTS_DIR").join(format!("{name}.wasm"))
}

/// A file below `tests/fixtures`.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(path)
}

/// The text of a file below `tests/fixtures`.
///
/// # Panics
/// If it cannot be read.
pub fn fixture_text(path: &str) -> String {
    std::fs::read_to_string(fixture(path)).expect("a fixture")
}

/// The host's binary, which `make test` builds beside the tests.
///
/// # Panics
/// If it is missing.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the test's path");
    let target = test
        .parent()
        .and_then(Path::parent)
        .expect("the target directory");
    let binary = target.join("triggerhouse");
    assert!(
        binary.exists(),
        "{} is missing: run the tests with `make test`",
        binary.display()
    );
    binary
}
