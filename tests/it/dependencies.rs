//! Rules for the dependencies. `make audit` checks more, where its tools can be had; these
//! checks need no tool.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use toml::Table;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn table(path: &str) -> Table {
    fs::read_to_string(root().join(path))
        .unwrap()
        .parse()
        .unwrap()
}

/// The output of a cargo command, which must not change the lock file.
fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(arguments)
        .args(["--locked", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// A crate that this platform compiles.
struct Compiled {
    name: String,
    version: String,
    license: String,
}

fn compiled() -> Vec<Compiled> {
    let format = ["--prefix", "none", "--no-dedupe", "--format", "{p} |{l}"];
    let edges = ["--edges", "normal,build,dev"];
    let tree = cargo(&[&["tree", "--workspace"], &edges[..], &format[..]].concat());
    let lines: BTreeSet<&str> = tree.lines().filter(|line| !line.is_empty()).collect();
    let mut crates = Vec::new();
    for line in lines {
        let (package, license) = line.split_once(" |").unwrap();
        let mut words = package.split(' ');
        crates.push(Compiled {
            name: words.next().unwrap().to_owned(),
            version: words.next().unwrap().trim_start_matches('v').to_owned(),
            license: license.to_owned(),
        });
    }
    crates
}

#[test]
fn every_license_is_allowed() {
    let deny = table("deny.toml");
    let allowed = deny["licenses"]["allow"].as_array().unwrap().iter();
    let allowed: Vec<&str> = allowed.map(|license| license.as_str().unwrap()).collect();
    for Compiled { name, license, .. } in compiled() {
        assert!(is_allowed(&license, &allowed), "{name}: {license}");
    }
}

#[test]
fn every_crate_is_of_this_workspace_or_from_the_registry() {
    for lock in ["Cargo.lock", "tests/guests/Cargo.lock"] {
        for package in table(lock)["package"].as_array().unwrap() {
            // A crate of the workspace has no source.
            let source = package.get("source").and_then(|source| source.as_str());
            let is_known = source.is_none_or(|source| source.starts_with("registry+"));
            assert!(is_known, "{lock}: {package}");
        }
    }
}

/// Evaluates an SPDX expression, in which AND binds closer than OR. Old manifests write `/` for OR.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let expression = expression.replace('/', " OR ");
    // Without its parentheses: `A AND (B OR C)` asks for B or C beside A.
    if let Some((before, rest)) = expression.split_once('(') {
        let (inner, after) = rest.split_once(')').unwrap_or((rest, ""));
        let inner = if is_allowed(inner, allowed) {
            allowed[0]
        } else {
            "none"
        };
        return is_allowed(&format!("{before}{inner}{after}"), allowed);
    }
    expression.split(" OR ").any(|option| {
        option
            .split(" AND ")
            .all(|license| allowed.contains(&license.trim()))
    })
}

#[test]
fn a_license_expression_is_evaluated() {
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(MIT OR Apache-2.0) AND ISC", true),
        ("(MIT OR Apache-2.0) AND GPL-3.0", false),
        ("ISC AND (GPL-3.0 OR MIT)", true),
        ("", false),
    ] {
        let allowed = ["MIT", "Apache-2.0", "ISC"];
        assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn a_crate_has_two_versions_only_for_a_reason() {
    let deny = table("deny.toml");
    let skipped: Vec<(&str, &str)> = deny["bans"]["skip"]
        .as_array()
        .unwrap()
        .iter()
        .map(|skip| skip["crate"].as_str().unwrap().split_once(':').unwrap())
        .collect();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Compiled { name, version, .. } in compiled() {
        versions.entry(name).or_default().insert(version);
    }
    for (name, versions) in versions {
        let is_skipped = |version: &String| {
            skipped.iter().any(|(skipped, prefix)| {
                *skipped == name && format!("{version}.").starts_with(&format!("{prefix}."))
            })
        };
        let unexplained = versions
            .iter()
            .filter(|version| !is_skipped(version))
            .count();
        assert!(
            unexplained <= 1,
            "{name} has the versions {versions:?}: unify them, or add a reason to deny.toml"
        );
    }
}

#[test]
fn every_dependency_is_used() {
    for (manifest, ignored) in manifests() {
        let directory = manifest.parent().unwrap();
        let code = rust_code(directory);
        let manifest: Table = fs::read_to_string(&manifest).unwrap().parse().unwrap();
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(kind) else {
                continue;
            };
            for name in dependencies.as_table().unwrap().keys() {
                let path = name.replace('-', "_");
                let is_used = ignored.contains(name)
                    || code.contains(&format!("{path}::"))
                    || code.contains(&format!("use {path}"));
                let directory = directory.display();
                assert!(is_used, "{directory}: `{name}` of [{kind}] is unused");
            }
        }
    }
}

/// The manifests of all crates, guests included; and the dependencies that cargo-shear is told to ignore, because only
/// expanded macros name them.
fn manifests() -> Vec<(PathBuf, Vec<String>)> {
    let mut manifests = Vec::new();
    for workspace in ["", "tests/guests"] {
        let workspace = root().join(workspace);
        let manifest = fs::read_to_string(workspace.join("Cargo.toml")).unwrap();
        let manifest: Table = manifest.parse().unwrap();
        let manifest = &manifest["workspace"];
        let ignored = manifest.get("metadata").map_or_else(Vec::new, |metadata| {
            texts(&metadata["cargo-shear"]["ignored"])
        });
        for member in texts(&manifest["members"]) {
            let crates = match member.strip_suffix("/*") {
                None => vec![workspace.join(member)],
                Some(parent) => {
                    let entries = fs::read_dir(workspace.join(parent)).unwrap();
                    entries.map(|entry| entry.unwrap().path()).collect()
                }
            };
            let files = crates.iter().map(|directory| directory.join("Cargo.toml"));
            let files = files.filter(|file| file.exists());
            manifests.extend(files.map(|file| (file, ignored.clone())));
        }
    }
    manifests
}

fn texts(array: &toml::Value) -> Vec<String> {
    let array = array.as_array().unwrap().iter();
    array
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

/// The Rust code of a crate and of the crates below its directory, without comments.
fn rust_code(directory: &Path) -> String {
    let mut code = String::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            code.push_str(&rust_code(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let lines = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            for line in lines {
                code.push_str(line);
                code.push('\n');
            }
        }
    }
    code
}

#[test]
fn a_provider_built_with_others_is_the_same_as_one_built_alone() {
    let providers: Vec<String> = fs::read_dir(root().join("providers"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("Cargo.toml").exists())
        .map(|path| {
            let id = path.file_name().unwrap().to_str().unwrap();
            format!("triggerhouse-provider-{id}")
        })
        .collect();
    let together = features(&providers);
    for provider in providers {
        let gained: Vec<String> = features(std::slice::from_ref(&provider))
            .difference(&together)
            .cloned()
            .collect();
        assert!(
            gained.is_empty(),
            "{provider} has other features alone: {gained:?}"
        );
    }
}

/// Every dependency of the packages' components, with its features.
fn features(packages: &[String]) -> BTreeSet<String> {
    let mut arguments = vec!["tree", "--target", "wasm32-wasip2", "--prefix", "none"];
    arguments.extend(["--edges", "normal,build", "--format", "{p} {f}"]);
    for package in packages {
        arguments.extend(["--package", package]);
    }
    let tree = cargo(&arguments);
    let lines = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn guests_share_the_compiled_dependencies_of_providers() {
    let (host, guests) = (table("Cargo.toml"), table("tests/guests/Cargo.toml"));
    assert_eq!(host["profile"]["wasm"], guests["profile"]["wasm"]);
    let host = locked("Cargo.lock");
    for (name, version) in locked("tests/guests/Cargo.lock") {
        let is_shared = name.starts_with("guest-") || host.contains(&(name.clone(), version));
        assert!(is_shared, "tests/guests has another version of {name}");
    }
}

/// The names and versions in a lock file.
fn locked(path: &str) -> BTreeSet<(String, String)> {
    let lock = table(path);
    let packages = lock["package"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let text = |field: &str| package[field].as_str().unwrap().to_owned();
            (text("name"), text("version"))
        })
        .collect()
}
