//! The hand-written SQL of the limits, one file per database.

use anyhow::Context;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The statements for one database, in named sections.
pub struct Statements(&'static str);

pub const POSTGRES: Statements = Statements(include_str!("../../../../bench/postgres.sql"));
pub const SQLITE: Statements = Statements(include_str!("../../../../bench/sqlite.sql"));

impl Statements {
    /// The text between a line `-- @name` and the next such line.
    pub fn section(&self, name: &str) -> anyhow::Result<&'static str> {
        self.0
            .split("-- @")
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('\n'))
            .with_context(|| format!("the hand-written SQL has no section `-- @{name}`"))
    }
}

/// Microseconds since the epoch.
pub fn now_us() -> i64 {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)
}

/// The digest by which the unique index deduplicates deliveries; it fits a UUID.
pub fn delivery_digest(delivery_key: &str) -> Uuid {
    let digest = Sha256::digest(delivery_key.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(bytes)
}
