//! Documents name nothing that does not exist: files, links, headings, make targets and
//! commands.

use super::{documents, make_dry, read, root};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use triggerhouse::measure::FIGURES;
use triggerhouse_tests::files;

/// Directories at the top of the project whose files documents name by their paths.
const TOP: [&str; 9] = [
    ".ci",
    "docs",
    "host",
    "migrations",
    "providers",
    "scripts",
    "sdk",
    "tests",
    "wit",
];
/// Extensions of sources, which documents may also name without a path.
const SOURCES: [&str; 4] = [".rs", ".sh", ".sql", ".wit"];

/// Every file of the project, built ones left out.
fn project_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !path.is_dir() {
            found.push(path);
        } else if name != "target" && name != ".git" {
            project_files(&path, found);
        }
    }
}

/// `a/{b,c}/d` as `a/b/d` and `a/c/d`.
fn expanded(span: &str) -> Vec<String> {
    let Some((before, rest)) = span.split_once('{') else {
        return vec![span.to_owned()];
    };
    let (choices, after) = rest.split_once('}').expect("a closing brace");
    let choices = choices.split(',');
    choices
        .flat_map(|choice| expanded(&format!("{before}{}{after}", choice.trim())))
        .collect()
}

/// True if there is such a file or directory. `<…>` and `*` are placeholders, so only the
/// path before them counts.
fn exists(path: &str) -> bool {
    let whole = path.find(['<', '*']).map_or(path, |at| {
        let named = &path[..at];
        named.rfind('/').map_or("", |end| &named[..end])
    });
    root().join(whole).exists()
}

#[test]
fn every_file_that_a_document_names_exists() {
    let mut files = Vec::new();
    project_files(root(), &mut files);
    let names: HashSet<String> = files
        .iter()
        .map(|file| file.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut checked = 0;
    for (document, text) in documents() {
        for (line, span) in text.spans() {
            let top = span.split('/').next().unwrap_or_default();
            let is_path = span.contains('/') && TOP.contains(&top) && !span.contains(' ');
            let is_source = !span.contains(['/', ' ', '*', '<', '('])
                && SOURCES.iter().any(|source| span.ends_with(source));
            for path in expanded(span).iter().filter(|_| is_path || is_source) {
                let found = if is_path {
                    exists(path)
                } else {
                    names.contains(path)
                };
                assert!(found, "{}:{line} names {path}", document.display());
                checked += 1;
            }
        }
    }
    assert!(
        checked > 60,
        "{checked} paths: are they still in backticks?"
    );
}

#[test]
fn every_link_leads_somewhere() {
    let all = documents();
    for (document, text) in &all {
        let directory = document.parent().unwrap();
        for (line, target) in text.links().filter(|(_, target)| !target.contains("://")) {
            let place = format!("{}:{line} links to {target}", document.display());
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() {
                document.clone()
            } else {
                normal(&directory.join(path))
            };
            assert!(root().join(&path).exists(), "{place}");
            if anchor.is_empty() {
                continue;
            }
            let found = all.iter().find(|(other, _)| *other == path);
            let (_, other) = found.unwrap_or_else(|| panic!("{place}: no document"));
            assert!(
                other.anchors().iter().any(|known| known == anchor),
                "{place}"
            );
        }
    }
}

/// Without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part.as_os_str().to_str() {
            Some("..") => {
                normal.pop();
            }
            _ => normal.push(part),
        }
    }
    normal
}

/// The names that follow `start` in `texts`.
fn named<'a>(texts: &[&'a str], start: &str) -> HashSet<&'a str> {
    let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_';
    texts
        .iter()
        .filter_map(|text| text.strip_prefix(start))
        .map(|rest| rest.split(is_end).next().unwrap_or_default())
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn every_make_target_and_command_that_a_document_names_exists() {
    let help = Command::new(files::binary())
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let commands = help.split("Commands:").nth(1).expect("a list of commands");
    let commands: HashSet<&str> = commands
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .collect();
    for (document, text) in documents() {
        let lines = text.blocks.iter().flat_map(|block| &block.lines);
        let typed = lines.filter_map(|line| line.strip_prefix("$ "));
        let texts: Vec<&str> = text.spans().map(|(_, span)| span).chain(typed).collect();
        for target in named(&texts, "make ") {
            make_dry(target);
        }
        for command in named(&texts, "triggerhouse ") {
            let known = commands.contains(command);
            assert!(known, "{} names triggerhouse {command}", document.display());
        }
    }
}

#[test]
fn every_metric_that_an_alert_queries_exists() {
    let operations = read("docs/OPERATIONS.md");
    let known: HashSet<&str> = FIGURES.iter().map(|figure| figure.name).collect();
    let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let alerts = operations.split("\n### Alerts\n").nth(1).unwrap();
    let alerts = alerts.split("\n## ").next().unwrap();
    let mut queried = HashSet::new();
    for word in alerts
        .split(is_end)
        .filter(|word| word.starts_with("triggerhouse_"))
    {
        let of_histogram = ["_bucket", "_count"]
            .iter()
            .find_map(|end| word.strip_suffix(end));
        let name = of_histogram.unwrap_or(word);
        assert!(known.contains(name), "there is no metric {word}");
        queried.insert(name);
    }
    assert!(queried.len() > 15, "{queried:?}");
}
