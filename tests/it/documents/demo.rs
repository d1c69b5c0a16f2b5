//! `make demo`, as the gate runs it: with the binary that the tests have built.

use super::root;
use super::sample::Sample;
use std::process::Stdio;
use tokio::process::Command;
use triggerhouse_tests::files;

/// Runs the demo and compares its output with the sample, but for ids and times.
pub async fn shows(sample: &Sample) {
    let makefile = super::make_dry("demo");
    assert_eq!(makefile.trim(), "scripts/demo.sh");
    let demo = Command::new(root().join("scripts/demo.sh"))
        .env("TRIGGERHOUSE_BIN", files::binary())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let error = String::from_utf8_lossy(&demo.stderr);
    assert!(demo.status.success(), "{error}");
    let printed = String::from_utf8(demo.stdout).unwrap();
    assert_eq!(normalised(&printed), normalised(&sample.0));
}

/// Without what differs from run to run: digits, ids, and space at both ends.
fn normalised(text: &str) -> String {
    let word = |word: &str| match word.split_once(['_', ':']) {
        Some((prefix, id)) if id.chars().any(|c| c.is_ascii_digit()) => format!("{prefix}_…"),
        _ => word
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect(),
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.trim().lines().map(line).collect::<Vec<_>>().join("\n")
}
