//! Cycles between the files of the host, of the SDK and of each provider.

use super::imports::Crate;
use super::root;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Uses = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

#[test]
fn no_files_use_each_other() {
    let mut crates = vec![
        root().join("host/src/lib.rs"),
        root().join("host/src/main.rs"),
        root().join("sdk/src/lib.rs"),
    ];
    for provider in fs::read_dir(root().join("providers")).unwrap() {
        crates.push(provider.unwrap().path().join("src/lib.rs"));
    }
    let mut found = Vec::new();
    for file in crates {
        let uses = Crate::read(&file).uses();
        assert!(uses.values().any(|used| !used.is_empty()), "{file:?}");
        found.extend(cycles(&uses).iter().map(|cycle| shown(cycle, &uses)));
    }
    assert!(found.is_empty(), "cycles:\n{}", found.join("\n"));
}

/// Groups of files that all reach each other.
fn cycles(uses: &Uses) -> Vec<BTreeSet<PathBuf>> {
    let reached: BTreeMap<&PathBuf, BTreeSet<&PathBuf>> =
        uses.keys().map(|file| (file, reach(file, uses))).collect();
    let mut cycles: Vec<BTreeSet<PathBuf>> = Vec::new();
    for (file, reached_from_it) in &reached {
        if !reached_from_it.contains(file) || cycles.iter().any(|group| group.contains(*file)) {
            continue;
        }
        let group = reached_from_it
            .iter()
            .filter(|other| reached[**other].contains(file));
        cycles.push(group.map(|file| (*file).clone()).collect());
    }
    cycles
}

/// All files that `file` uses, directly or not.
fn reach<'a>(file: &PathBuf, uses: &'a Uses) -> BTreeSet<&'a PathBuf> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&PathBuf> = uses[file].iter().collect();
    while let Some(file) = next.pop() {
        if reached.insert(file) {
            next.extend(&uses[file]);
        }
    }
    reached
}

/// A group, with the uses within it.
fn shown(group: &BTreeSet<PathBuf>, uses: &Uses) -> String {
    let root = root();
    let short = |file: &Path| file.strip_prefix(&root).unwrap().display().to_string();
    let line = |file: &PathBuf| {
        let used: Vec<String> = uses[file].intersection(group).map(|f| short(f)).collect();
        format!("  {} uses {}", short(file), used.join(", "))
    };
    let lines: Vec<String> = group.iter().map(line).collect();
    format!("{} files:\n{}", group.len(), lines.join("\n"))
}
