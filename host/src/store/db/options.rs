//! Options for opening a database.

use super::share::Share;
use std::time::Duration;

/// Options for opening a database.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The number of connections (Postgres: all; SQLite: those for reading).
    pub connections_max: u32,
    /// The shares that have connections of their own. None: all use the same.
    pub shares: Vec<Share>,
    /// Connections that the calls of one organization hold at the same time. At least one
    /// of those of `/v1` is left to others.
    pub organization_connections_max: u32,
    /// The time that a call waits for a connection.
    pub acquire_timeout: Duration,
    /// The time limit of a statement on Postgres, and of a read on SQLite.
    pub answer_max: Duration,
    /// Creates an SQLite file that is missing.
    pub may_create: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            connections_max: 10,
            shares: Vec::new(),
            organization_connections_max: 4,
            acquire_timeout: Duration::from_secs(5),
            answer_max: Duration::from_secs(20),
            may_create: true,
        }
    }
}

impl StoreOptions {
    /// The connections of one organization, where `/v1` has `api` of them.
    pub(super) fn organization_max(&self, api: u32) -> u32 {
        let others = api.saturating_sub(1).max(1);
        self.organization_connections_max.clamp(1, others)
    }
}
