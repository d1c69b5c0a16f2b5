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

/// The host's modules, from the bottom to the top, and the other modules that each may name.
const LAYERS: [(&str, &[&str]); 22] = [
    ("domain", &[]),
    ("measure", &[]),
    ("permits", &[]),
    ("clock", &["domain"]),
    ("secret", &["domain"]),
    ("redis", &["secret"]),
    ("verify", &["domain", "secret"]),
    ("egress", &["domain", "secret"]),
    ("store", &["domain", "measure"]),
    ("lock", &["redis"]),
    ("provider", &["domain", "egress", "measure", "secret"]),
    ("signals", &["store"]),
    ("http", &["store"]),
    (
        "config",
        &["domain", "egress", "lock", "provider", "secret", "store"],
    ),
    ("telemetry", &["config", "domain"]),
    (
        "credentials",
        &["config", "domain", "egress", "secret", "store"],
    ),
    (
        "sink",
        &["config", "domain", "egress", "redis", "secret", "verify"],
    ),
    (
        "worker",
        &[
            "clock",
            "config",
            "credentials",
            "domain",
            "egress",
            "lock",
            "measure",
            "permits",
            "provider",
            "secret",
            "signals",
            "sink",
            "store",
            "telemetry",
            "verify",
        ],
    ),
    (
        "ingress",
        &[
            "clock",
            "config",
            "domain",
            "http",
            "measure",
            "provider",
            "secret",
            "signals",
            "store",
            "telemetry",
            "verify",
        ],
    ),
    (
        "api",
        &[
            "clock",
            "config",
            "credentials",
            "domain",
            "egress",
            "http",
            "measure",
            "permits",
            "provider",
            "secret",
            "signals",
            "store",
            "telemetry",
            "verify",
        ],
    ),
    ("server", &[]),
    // The top: these put everything together.
    ("app", &["*"]),
];

/// The modules that are built on `app`: the commands of the binary.
const TOP: [&str; 3] = ["cli", "lib", "main"];

/// The crates that a module must not name, whatever its layer.
const FORBIDDEN_CRATES: [(&str, &[&str]); 16] = [
    ("domain", &["tokio::", "sqlx::", "wasmtime::", "axum::"]),
    ("verify", &["tokio::", "sqlx::", "wasmtime::", "axum::"]),
    ("secret", &["tokio::", "sqlx::", "wasmtime::", "axum::"]),
    ("measure", &["sqlx::", "wasmtime::", "axum::"]),
    ("redis", &["sqlx::", "wasmtime::", "axum::"]),
    ("egress", &["sqlx::", "wasmtime::", "axum::"]),
    ("store", &["wasmtime::", "axum::", "reqwest::"]),
    ("lock", &["sqlx::", "wasmtime::", "axum::"]),
    ("provider", &["sqlx::", "axum::"]),
    ("http", &["sqlx::", "wasmtime::", "reqwest::"]),
    ("config", &["sqlx::", "wasmtime::", "axum::"]),
    ("credentials", &["sqlx::", "wasmtime::", "axum::"]),
    ("sink", &["sqlx::", "wasmtime::", "axum::"]),
    ("worker", &["sqlx::", "wasmtime::", "axum::", "reqwest::"]),
    ("ingress", &["sqlx::", "wasmtime::", "reqwest::"]),
    ("api", &["sqlx::", "wasmtime::", "reqwest::"]),
];

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
    let source = root().join("host/src");
    for file in rust_files(&source) {
        let module = module_of(file.strip_prefix(&source).unwrap());
        if TOP.contains(&&*module) {
            continue;
        }
        let (_, allowed) = LAYERS
            .iter()
            .find(|(layer, _)| *layer == module)
            .unwrap_or_else(|| panic!("{module} has no place in LAYERS"));
        for used in used_modules(&code(&file)) {
            assert!(
                used == module || allowed.contains(&used) || allowed == &["*"],
                "{module} must not use {used} in {}",
                file.display()
            );
        }
    }
}

#[test]
fn layers_are_listed_from_the_bottom_to_the_top() {
    let mut below = vec!["*"];
    for (layer, allowed) in LAYERS {
        for used in allowed {
            assert!(below.contains(used), "{layer} stands below {used}");
        }
        below.push(layer);
    }
}

/// The top-level module that a file below `src` belongs to.
fn module_of(file: &Path) -> String {
    let first = Path::new(file.iter().next().unwrap());
    first.with_extension("").to_string_lossy().into_owned()
}

#[test]
fn modules_keep_to_their_own_crates() {
    for (module, crates) in FORBIDDEN_CRATES {
        for file in files_of(module) {
            for (number, line) in code(&file).lines().enumerate() {
                if line.trim_start().starts_with("//") {
                    continue;
                }
                for name in crates {
                    assert!(
                        !line.contains(name),
                        "{module} must not use {name} at {}:{}: {line}",
                        file.display(),
                        number + 1
                    );
                }
            }
        }
    }
}

/// The files of a top-level module.
fn files_of(module: &str) -> Vec<PathBuf> {
    let source = root().join("host/src");
    let file = source.join(format!("{module}.rs"));
    if file.exists() {
        return vec![file];
    }
    rust_files(&source.join(module))
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
