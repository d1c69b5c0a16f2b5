//! The layers of the host: dependencies point one way.

use super::imports::Crate;
use super::{code, root, rust_files};
use std::path::{Path, PathBuf};

/// The host's modules, from the bottom to the top, and the other modules that each may name.
const LAYERS: [(&str, &[&str]); 23] = [
    ("domain", &[]),
    ("measure", &[]),
    ("permits", &[]),
    ("supervisor", &["measure"]),
    ("clock", &["domain"]),
    ("secret", &["domain"]),
    ("redis", &["secret"]),
    ("verify", &["domain", "secret"]),
    ("egress", &["domain", "secret"]),
    ("signals", &["domain"]),
    ("store", &["domain", "measure", "signals"]),
    ("lock", &["redis"]),
    ("provider", &["domain", "egress", "measure", "secret"]),
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
            "supervisor",
            "telemetry",
            "verify",
        ],
    ),
    ("server", &[]),
    // The top, which puts everything together.
    ("app", &["*"]),
];

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

#[test]
fn dependencies_point_one_way() {
    let uses = Crate::read(&root().join("host/src/lib.rs")).uses();
    assert!(uses.len() > 100, "the host has only {} files", uses.len());
    for (file, used) in &uses {
        let module = module_of(file);
        if module == "lib" {
            continue;
        }
        let (_, allowed) = LAYERS
            .iter()
            .find(|(layer, _)| *layer == module)
            .unwrap_or_else(|| panic!("{module} has no place in LAYERS"));
        for other in used {
            let used = module_of(other);
            assert!(
                used == module || allowed.contains(&&*used) || allowed == &["*"],
                "{module} must not use {used}: {} uses {}",
                file.display(),
                other.display()
            );
        }
    }
}

#[test]
fn layers_are_listed_from_the_bottom_to_the_top() {
    let mut below = vec!["*"];
    for (layer, allowed) in LAYERS {
        for used in allowed {
            assert!(
                below.contains(used),
                "{layer} must not use {used}, a higher layer"
            );
        }
        below.push(layer);
    }
}

#[test]
fn modules_use_only_their_own_crates() {
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

/// The top-level module of the host that a file belongs to.
fn module_of(file: &Path) -> String {
    let file = file.strip_prefix(root().join("host/src")).unwrap();
    let first = Path::new(file.iter().next().unwrap());
    first.with_extension("").to_string_lossy().into_owned()
}

/// The files of a top-level module.
fn files_of(module: &str) -> Vec<PathBuf> {
    let source = root().join("host/src");
    let file = source.join(module).with_extension("rs");
    if file.exists() {
        return vec![file];
    }
    rust_files(&source.join(module))
}
