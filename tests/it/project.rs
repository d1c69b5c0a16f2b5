//! What must stay true of the project itself.

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

/// A file without its unit tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    text.split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap()
        .to_owned()
}

/// Which modules of the host a file of `module` may name.
fn allowed(module: &str) -> &'static [&'static str] {
    match module {
        "domain" => &["domain"],
        "secret" => &["secret", "domain"],
        "verify" => &["verify", "domain", "secret"],
        "lock" => &["lock", "domain", "secret", "redis"],
        "sink" => &[
            "sink", "domain", "provider", "verify", "secret", "redis", "config",
        ],
        "store" => &["store", "domain", "measure"],
        "measure" => &["measure"],
        "provider" => &["provider", "domain", "secret", "measure"],
        "credentials" => &[
            "credentials",
            "domain",
            "store",
            "provider",
            "secret",
            "config",
        ],
        "worker" => &[
            "worker",
            "credentials",
            "domain",
            "store",
            "provider",
            "verify",
            "secret",
            "lock",
            "sink",
            "signals",
            "clock",
            "config",
            "measure",
            "telemetry",
        ],
        "api" => &[
            "api",
            "credentials",
            "domain",
            "store",
            "provider",
            "verify",
            "secret",
            "signals",
            "clock",
            "config",
            "measure",
            "telemetry",
        ],
        _ => &[],
    }
}

/// The modules that a text names after `crate::`, also in braces.
fn used_modules(text: &str) -> Vec<&str> {
    let code = |at: usize| {
        let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
        !text[line..at].trim_start().starts_with("//")
    };
    text.match_indices("crate::")
        .filter(|(at, _)| code(*at))
        .flat_map(|(at, path)| first_names(&text[at + path.len()..]))
        .collect()
}

/// The names that a path, or a list of paths in braces, begins with.
fn first_names(path: &str) -> Vec<&str> {
    let Some(list) = path.strip_prefix('{') else {
        let end = path.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        return vec![&path[..end.unwrap_or(path.len())]];
    };
    let (mut names, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let entry = list[start..at].trim();
                if !entry.is_empty() {
                    names.extend(first_names(entry));
                }
                start = at + 1;
                if character == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names
}

#[test]
fn a_forbidden_module_is_found_however_it_is_named() {
    for (text, expected) in [
        ("use crate::store::Store;", vec!["store"]),
        ("let x = crate::clock::now();", vec!["clock"]),
        (
            "use crate::{domain::{OrgId, event::Event}, store::{self, Store}, clock,};",
            vec!["domain", "store", "clock"],
        ),
        (
            "use crate::{\n    api,\n    app::App\n};",
            vec!["api", "app"],
        ),
        ("// not crate::store", vec![]),
    ] {
        assert_eq!(used_modules(text), expected, "{text}");
    }
}

#[test]
fn dependencies_point_one_way() {
    let forbidden_crates = [
        ("domain", vec!["tokio::", "sqlx::", "wasmtime::", "axum::"]),
        ("store", vec!["wasmtime::", "axum::"]),
        ("provider", vec!["sqlx::", "axum::"]),
        ("verify", vec!["sqlx::", "axum::", "wasmtime::", "tokio::"]),
        ("credentials", vec!["sqlx::", "axum::", "wasmtime::"]),
        ("lock", vec!["sqlx::", "wasmtime::", "axum::"]),
        ("sink", vec!["sqlx::", "wasmtime::", "axum::"]),
        ("worker", vec!["sqlx::", "axum::", "wasmtime::"]),
        ("api", vec!["sqlx::", "wasmtime::"]),
    ];
    for (module, crates) in forbidden_crates {
        let allowed = allowed(module);
        let files = rust_files(&root().join("host/src").join(module));
        assert!(!files.is_empty(), "{module} has no files: is it its name?");
        for file in files {
            let text = code(&file);
            for used in used_modules(&text) {
                assert!(
                    allowed.contains(&used),
                    "{module} must not use {used} in {}",
                    file.display()
                );
            }
            for (number, line) in text.lines().enumerate() {
                let place = format!("{}:{}: {line}", file.display(), number + 1);
                if line.trim_start().starts_with("//") {
                    continue;
                }
                for name in &crates {
                    assert!(
                        !line.contains(name),
                        "{module} must not use {name} at {place}"
                    );
                }
            }
        }
    }
}

#[test]
fn sql_stands_in_the_store_only() {
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

/// Every state, as SQL would spell it.
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
    for file in rust_files(&root().join("host/src"))
        .into_iter()
        .filter(|file| !tests(file) && !file.ends_with("ingress/github_app.rs"))
    {
        // The route of GitHub Apps is known by that name: its file, its state and its
        // section of the configuration.
        let text = code(&file).to_lowercase();
        let text = ["github_app", "githubapp", "github app"]
            .iter()
            .fold(text, |text, name| text.replace(name, ""));
        for provider in &providers {
            // A link to where a rule comes from is not knowledge.
            let named = text
                .lines()
                .any(|line| has_word(line, provider) && !line.contains("https://"));
            assert!(!named, "{} names {provider}", file.display());
        }
    }
}

/// Whether `line` has `word`, which is no part of another: nothing knows the provider
/// `linear` that speaks of linear memory.
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
fn the_readme_lists_the_providers_that_there_are() {
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
