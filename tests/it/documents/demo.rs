//! `make demo`. It compiles nothing here, because the tests have built everything.

use super::root;
use super::sample::Sample;
use std::process::Stdio;
use tokio::process::Command;

/// Ids are longer than words after a colon.
const ID_CHARS_MIN: usize = 20;

/// Runs the demo and compares its output with the sample, but for ids and times.
pub async fn shows(sample: &Sample) {
    let makefile = super::make_dry("demo");
    assert_eq!(makefile.trim(), "scripts/demo.sh");
    let mut demo = Command::new(root().join("scripts/demo.sh"));
    // Set by the cargo that runs the tests. A build script that depends on them would run
    // again, and everything above its crate would be compiled again.
    for (name, _) in std::env::vars() {
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            demo.env_remove(name);
        }
    }
    let demo = demo.stdin(Stdio::null()).output().await.unwrap();
    let error = String::from_utf8_lossy(&demo.stderr);
    assert!(demo.status.success(), "{error}");
    let printed = String::from_utf8(demo.stdout).unwrap();
    assert_eq!(normalised(&printed), normalised(&sample.0));
}

/// The text without ids and durations, which differ from run to run.
fn normalised(text: &str) -> String {
    let word = |word: &str| match word.split_once(['_', ':']) {
        Some((prefix, id)) if id.len() >= ID_CHARS_MIN => format!("{prefix}_…"),
        _ => word.to_owned(),
    };
    let line = |line: &str| {
        let line = match line.split_once(" ms ") {
            Some((duration, rest)) if duration.trim().parse::<u64>().is_ok() => {
                format!("    … ms {rest}")
            }
            _ => line.to_owned(),
        };
        line.split(' ').map(word).collect::<Vec<_>>().join(" ")
    };
    text.trim().lines().map(line).collect::<Vec<_>>().join("\n")
}
