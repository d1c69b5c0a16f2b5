//! The hand-written SQL, kept in one file per database so that it can follow the project's schema.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// One database's statements, and its folder of the project's migrations.
pub struct Statements {
    text: &'static str,
    migrations: &'static str,
}

pub const POSTGRES: Statements = Statements {
    text: include_str!("../../../bench/postgres.sql"),
    migrations: "migrations/postgres",
};
pub const SQLITE: Statements = Statements {
    text: include_str!("../../../bench/sqlite.sql"),
    migrations: "migrations/sqlite",
};

impl Statements {
    /// What stands between a line `-- @name` and the next such line.
    pub fn section(&self, name: &str) -> anyhow::Result<&'static str> {
        self.text
            .split("-- @")
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('\n'))
            .with_context(|| format!("the hand-written SQL has no section `-- @{name}`"))
    }

    /// Everything that makes fresh tables, in order.
    ///
    /// The project's migrations are read when run, so that the limits always have the current tables and indexes.
    pub fn schema(&self) -> anyhow::Result<Vec<String>> {
        let mut statements = vec![self.section("schema")?.to_owned()];
        for file in sql_files(Path::new(self.migrations))? {
            let text = std::fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            statements.push(text);
        }
        Ok(statements)
    }
}

fn sql_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let name = folder.display();
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read {name}; run this from the project's top level"))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            files.push(path);
        }
    }
    ensure!(!files.is_empty(), "{name} has no migration");
    files.sort();
    Ok(files)
}

/// Microseconds since the epoch.
pub fn now_us() -> i64 {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)
}

/// What the unique index on deliveries holds instead of the sender's id: a digest that fits a UUID.
pub fn door_key(delivery_key: &str) -> Uuid {
    let digest = Sha256::digest(delivery_key.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(bytes)
}
