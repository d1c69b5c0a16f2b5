//! The rules that the project's own files have to keep.

mod cycles;
mod imports;
mod layers;
mod source;

use std::fs;
use std::path::{Path, PathBuf};
use triggerhouse::domain::integration::IntegrationStatus;
use triggerhouse::domain::{DeliveryStatus, EventStatus, OutboxStatus, RunStatus};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The text of a file without its unit tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    text.split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap()
        .to_owned()
}

#[test]
fn only_the_store_contains_sql() {
    for file in rust_files(&root().join("host/src")) {
        if file.starts_with(root().join("host/src/store")) {
            continue;
        }
        let text = code(&file);
        for word in ["sqlx::", "select id", "insert into ", "update inbox"] {
            assert!(!text.contains(word), "{} contains {word:?}", file.display());
        }
    }
}

#[test]
fn sql_never_asks_for_the_time_and_never_spells_out_a_status() {
    for file in rust_files(&root().join("host/src/store")) {
        let text = code(&file).to_lowercase();
        let clocks = ["now()\"", "current_timestamp"].map(str::to_owned);
        for word in statuses().chain(clocks) {
            assert!(!text.contains(&word), "{} contains {word}", file.display());
        }
    }
}

/// Every status in the form of an SQL literal.
fn statuses() -> impl Iterator<Item = String> {
    let deliveries = DeliveryStatus::ALL.iter().map(|s| s.as_str());
    let events = EventStatus::ALL.iter().map(|s| s.as_str());
    let runs = RunStatus::ALL.iter().map(|s| s.as_str());
    let messages = OutboxStatus::ALL.iter().map(|s| s.as_str());
    let integrations = IntegrationStatus::ALL.iter().map(|s| s.as_str());
    let all = deliveries.chain(events).chain(runs).chain(messages);
    let all = all.chain(integrations);
    all.map(|status| format!("'{status}'"))
}

#[test]
fn the_host_knows_no_provider_by_name() {
    let providers: Vec<String> = fs::read_dir(root().join("providers"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!providers.is_empty());
    let tests = |file: &PathBuf| {
        file.file_stem()
            .is_some_and(|stem| stem.to_string_lossy().ends_with("tests"))
    };
    // The route of GitHub Apps has that name: its folder, its address and its section of the
    // configuration.
    let github_app = root().join("host/src/ingress/github_app");
    for file in rust_files(&root().join("host/src"))
        .into_iter()
        .filter(|file| !tests(file) && !file.starts_with(&github_app))
    {
        let text = code(&file).to_lowercase();
        let text = ["github_app", "githubapp", "github app", "github-app"]
            .iter()
            .fold(text, |text, name| text.replace(name, ""));
        for provider in &providers {
            // A link to the source of a rule is no knowledge of a provider.
            let named = text
                .lines()
                .any(|line| has_word(line, provider) && !line.contains("https://"));
            assert!(!named, "{} names {provider}", file.display());
        }
    }
}

/// True if `line` contains `word` as a whole word. Linear memory is not the provider
/// `linear`.
fn has_word(line: &str, word: &str) -> bool {
    let line = line
        .replace("linear memory", "")
        .replace("linear_memory", "");
    let part = |c: char| c.is_ascii_alphanumeric();
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part))
}

#[test]
fn migrations_come_in_pairs() {
    let names = |database: &str| {
        let mut names: Vec<String> = fs::read_dir(root().join("migrations").join(database))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("postgres"), names("sqlite"));
}

#[test]
fn the_readme_lists_exactly_the_existing_providers() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for entry in fs::read_dir(root().join("providers")).unwrap() {
        let id = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            readme.contains(&format!("| `{id}` |")),
            "README.md has no row for {id}"
        );
    }
    let section = readme
        .split("## Providers")
        .nth(1)
        .unwrap()
        .split("## ")
        .next()
        .unwrap();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let id = line.trim_start_matches("| `").split('`').next().unwrap();
        assert!(
            root().join("providers").join(id).is_dir(),
            "README.md lists {id}, which does not exist"
        );
    }
}
