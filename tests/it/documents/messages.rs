//! OPERATIONS.md quotes messages of the host. Each of them is in the sources, so that an
//! operator who searches for a message finds it.

use super::markdown::Document;
use super::{read, root};
use std::path::Path;

/// Spans that are commands and calls.
const COMMANDS: [&str; 4] = ["GET ", "PATCH ", "POST ", "triggerhouse "];
/// A message that SQLite writes.
const OF_SQLITE: &str = "database or disk is full";
/// Shorter pieces between two `…` are too common to compare.
const PIECE_CHARS_MIN: usize = 6;

/// All sources below `directory` in one text, where a message that is split over two
/// lines is one line again.
fn sources(directory: &Path, text: &mut String) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let mut lines = source.split("\\\n");
        text.push_str(lines.next().unwrap_or_default());
        lines.for_each(|line| text.push_str(line.trim_start()));
    }
}

#[test]
fn every_message_that_operations_quotes_is_in_the_sources() {
    let operations = read("docs/OPERATIONS.md");
    let failures = operations.split("\n## Failures\n").nth(1).unwrap();
    let failures = failures.split("\n## ").next().unwrap();
    let mut text = String::new();
    sources(&root().join("host/src"), &mut text);
    let document = Document::parse(failures);
    let messages: Vec<&str> = document
        .spans()
        .map(|(_, span)| span)
        .filter(|span| span.contains(' ') && span.starts_with(char::is_alphabetic))
        .filter(|span| !COMMANDS.iter().any(|command| span.starts_with(command)))
        .filter(|span| *span != OF_SQLITE)
        .collect();
    assert!(messages.len() > 20, "{messages:?}");
    for message in messages {
        let pieces = message.split(['…', ':']);
        let pieces = pieces.map(|piece| piece.trim_matches([' ', '(', ')']));
        for piece in pieces.filter(|piece| piece.len() >= PIECE_CHARS_MIN) {
            assert!(
                text.contains(piece),
                "no source has {piece:?} of {message:?}"
            );
        }
    }
}
