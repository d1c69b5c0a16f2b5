//! The files that each file of a crate uses. A use of a re-exported name counts for the file
//! that defines it, so a `mod.rs` that only re-exports names is part of no cycle.

use super::source::tokens;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module's path without the crate: empty for the root.
type ModulePath = Vec<String>;

#[derive(Default)]
pub(super) struct Crate(BTreeMap<ModulePath, Module>);

struct Module {
    file: PathBuf,
    submodules: Vec<String>,
    /// The tokens outside of imports.
    code: Vec<String>,
    /// The items that the file itself defines.
    items: BTreeSet<String>,
    imports: Vec<Import>,
}

struct Import {
    /// The name in this file; `*` for a glob.
    name: String,
    path: Vec<String>,
    is_public: bool,
}

/// The target of a path.
#[derive(Debug, PartialEq)]
enum Found {
    Module(ModulePath),
    /// An item, by the module whose file defines it.
    Item(ModulePath),
    /// Another crate.
    Elsewhere,
}

const ITEM_WORDS: [&str; 8] = [
    "fn", "struct", "enum", "trait", "type", "const", "static", "union",
];

impl Crate {
    /// Reads the crate whose root is `file`.
    pub(super) fn read(file: &Path) -> Self {
        let mut read = Self::default();
        let directory = file.parent().unwrap();
        read.add(Vec::new(), file.to_owned(), directory);
        read
    }

    /// Adds a module and its submodules, whose files are in `directory`.
    fn add(&mut self, path: ModulePath, file: PathBuf, directory: &Path) {
        let module = Module::read(file);
        for name in &module.submodules {
            let mut child = path.clone();
            child.push(name.clone());
            let below = directory.join(name);
            let files = [below.with_extension("rs"), below.join("mod.rs")];
            let file = files.into_iter().find(|file| file.exists());
            let file = file.unwrap_or_else(|| panic!("no file for {child:?}"));
            self.add(child, file, &below);
        }
        self.0.insert(path, module);
    }

    /// Each file with the files that it uses.
    pub(super) fn uses(&self) -> BTreeMap<PathBuf, BTreeSet<PathBuf>> {
        let used = |(path, module): (&ModulePath, &Module)| {
            let used = self.used_by(path, module).into_iter();
            let files = used.map(|path| self.0[&path].file.clone());
            let others = files.filter(|file| *file != module.file);
            (module.file.clone(), others.collect())
        };
        self.0.iter().map(used).collect()
    }

    /// The modules whose files `module` uses.
    fn used_by(&self, path: &ModulePath, module: &Module) -> BTreeSet<ModulePath> {
        let imports = module
            .imports
            .iter()
            .filter(|import| !import.is_public || module.names(&import.name))
            .map(|import| import.path.clone());
        imports
            .chain(module.inline_paths())
            .filter_map(|used| self.definer(self.find(path, &used)))
            .collect()
    }

    /// The module whose file defines an item. A path that ends at a module may mean the
    /// function that the module is named after.
    fn definer(&self, found: Found) -> Option<ModulePath> {
        match found {
            Found::Item(module) => Some(module),
            Found::Module(module) => {
                let name = module.last()?;
                let has_namesake = self.0[&module].items.contains(name);
                has_namesake.then_some(module)
            }
            Found::Elsewhere => None,
        }
    }

    /// The target of `path` in the module `from`.
    fn find(&self, from: &ModulePath, path: &[String]) -> Found {
        self.find_at(from, path, 0)
    }

    fn find_at(&self, from: &ModulePath, path: &[String], depth: usize) -> Found {
        let mut at = from.clone();
        let mut rest = path;
        let mut is_inside = false;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" => at = Vec::new(),
                "self" => {}
                "super" => {
                    at.pop();
                }
                _ => break,
            }
            is_inside = true;
            rest = after;
        }
        while let Some((name, after)) = rest.split_first() {
            let mut child = at.clone();
            child.push(name.clone());
            if self.0.contains_key(&child) {
                (at, rest, is_inside) = (child, after, true);
                continue;
            }
            if name == "*" || self.0[&at].items.contains(name) {
                return Found::Item(at);
            }
            // The limit ends a circle of re-exports.
            if depth < 16 {
                let imported = self.imported(&at, name, after, depth);
                if imported != Found::Elsewhere {
                    return imported;
                }
            }
            // A macro may define the name; otherwise it is another crate's.
            return if is_inside {
                Found::Item(at)
            } else {
                Found::Elsewhere
            };
        }
        Found::Module(at)
    }

    /// The target of a name that the module `at` imports.
    fn imported(&self, at: &ModulePath, name: &str, after: &[String], depth: usize) -> Found {
        for import in &self.0[at].imports {
            let mut path = import.path.clone();
            if import.name == "*" {
                path.pop();
                let Found::Module(of) = self.find_at(at, &path, depth + 1) else {
                    continue;
                };
                if of == *at || !self.0[&of].items.contains(name) {
                    continue;
                }
                return Found::Item(of);
            }
            if import.name == name && path.first().is_none_or(|first| first != name) {
                path.extend_from_slice(after);
                return self.find_at(at, &path, depth + 1);
            }
        }
        Found::Elsewhere
    }
}

impl Module {
    fn read(file: PathBuf) -> Self {
        let tokens = tokens(&fs::read_to_string(&file).unwrap());
        let mut items = BTreeSet::new();
        for pair in tokens.windows(3) {
            let [word, name, third] = [&pair[0], &pair[1], &pair[2]];
            if ITEM_WORDS.contains(&word.as_str()) || (word == "mod" && third == "{") {
                items.insert(name.clone());
            } else if word == "macro_rules" {
                items.insert(third.clone());
            }
        }
        let modules = tokens.windows(3);
        let modules = modules.filter(|three| three[0] == "mod" && three[2] == ";");
        Self {
            file,
            submodules: modules.map(|three| three[1].clone()).collect(),
            items,
            imports: imports(&tokens),
            code: without_imports(tokens),
        }
    }

    /// True if the code outside of imports mentions `name`: a type anywhere, another name
    /// only if it is called or begins a path.
    fn names(&self, name: &str) -> bool {
        let is_type = name.starts_with(|c: char| c.is_ascii_uppercase());
        let code = &self.code;
        let mut places = code.iter().enumerate().filter(|(_, token)| *token == name);
        places.any(|(at, _)| {
            let before = at.checked_sub(1).map_or("", |at| code[at].as_str());
            let after = code.get(at + 1).map_or("", String::as_str);
            is_type || (![".", "fn", "::"].contains(&before) && ["(", "!", "::"].contains(&after))
        })
    }

    /// The paths of two or more names in the code outside of imports.
    fn inline_paths(&self) -> Vec<Vec<String>> {
        let code: Vec<&str> = self.code.iter().map(String::as_str).collect();
        let is_name = |token: &str| token.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let mut paths = Vec::new();
        for at in 0..code.len() {
            let goes_on = at > 0 && code[at - 1] == "::";
            if goes_on || !is_name(code[at]) || code.get(at + 1) != Some(&"::") {
                continue;
            }
            let mut path = vec![code[at].to_owned()];
            let mut next = at + 1;
            while code.get(next) == Some(&"::") && code.get(next + 1).is_some_and(|t| is_name(t)) {
                path.push(code[next + 1].to_owned());
                next += 2;
            }
            paths.push(path);
        }
        paths
    }
}

fn without_imports(tokens: Vec<String>) -> Vec<String> {
    let mut is_import = false;
    let mut code = tokens;
    code.retain(|token| {
        is_import = match token.as_str() {
            "use" => true,
            ";" => false,
            _ => is_import,
        };
        !is_import
    });
    code
}

fn imports(tokens: &[String]) -> Vec<Import> {
    let mut imports = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token != "use" {
            continue;
        }
        let before = at.checked_sub(1).map_or("", |at| tokens[at].as_str());
        // `pub use`, or `pub(super) use`.
        let is_public = [")", "pub"].contains(&before);
        let mut rest = &tokens[at + 1..];
        tree(&mut rest, &[], is_public, &mut imports);
    }
    imports
}

/// Reads one tree of a `use`. `rest` then begins after it.
fn tree(rest: &mut &[String], prefix: &[String], is_public: bool, imports: &mut Vec<Import>) {
    let mut path = prefix.to_vec();
    let mut name = None;
    while let Some((token, after)) = rest.split_first() {
        match token.as_str() {
            ";" | "," | "}" => break,
            "{" => {
                *rest = after;
                while rest.first().is_some_and(|token| token != "}") {
                    tree(rest, &path, is_public, imports);
                    if rest.first().is_some_and(|token| token == ",") {
                        *rest = &rest[1..];
                    }
                }
                *rest = rest.get(1..).unwrap_or_default();
                return;
            }
            "as" => {
                name = after.first().cloned();
                *rest = after.get(1..).unwrap_or_default();
                continue;
            }
            "::" => {}
            // `a::{self}` is `a`.
            "self" if !path.is_empty() => {}
            _ => path.push(token.clone()),
        }
        *rest = after;
    }
    if let Some(last) = path.last() {
        imports.push(Import {
            name: name.unwrap_or_else(|| last.clone()),
            path,
            is_public,
        });
    }
}

#[test]
fn a_use_is_found_in_every_spelling() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    write("lib.rs", "mod a; mod b; mod c; mod d; mod e;");
    write(
        "a.rs",
        "pub struct A; pub fn made() -> A { A } macros!(Made);",
    );
    write("b/mod.rs", "mod inner; pub use inner::{B, b as other};");
    write("b/inner.rs", "pub struct B; pub fn b() {}");
    write(
        "c.rs",
        "// use crate::a::A;\n#[cfg(test)] mod tests { use crate::a::A; }",
    );
    write("e.rs", "pub fn e() {}");
    for (text, expected) in [
        ("use crate::a::A;", "a.rs"),
        ("use crate::a;", ""),
        ("use crate::a; fn x() { a::made(); }", "a.rs"),
        ("use super::a::Made;", "a.rs"),
        ("use crate::{b::{self, B}, c};", "b/inner.rs"),
        ("fn x() -> crate::b::B { crate::b::other() }", "b/inner.rs"),
        ("use crate::b as c; fn x() { c::other(); }", "b/inner.rs"),
        ("use crate::b::inner; fn x() { inner(); }", ""),
        ("use crate::e; fn x() { e(); }", "e.rs"),
        ("pub use crate::a::A;", ""),
        ("pub use crate::a::A; fn x(a: A) {}", "a.rs"),
        ("use other::a::A; fn x() { std::a::made(); }", ""),
    ] {
        write("d.rs", text);
        let uses = Crate::read(&directory.path().join("lib.rs")).uses();
        let used = uses[&directory.path().join("d.rs")].iter();
        let used: Vec<_> = used
            .map(|file| file.strip_prefix(directory.path()).unwrap())
            .collect();
        let expected = Some(expected).filter(|expected| !expected.is_empty());
        let expected: Vec<&Path> = expected.into_iter().map(Path::new).collect();
        assert_eq!(used, expected, "{text}");
        assert!(uses[&directory.path().join("c.rs")].is_empty());
    }
}
