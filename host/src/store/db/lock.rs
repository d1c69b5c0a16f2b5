//! One process at a time prepares an SQLite file.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

/// Waits for the lock file beside a database. Dropping the lock, or the end of the process,
/// releases it. The lock has a file of its own because SQLite's locks are lost when another
/// part of the process closes the database's file. The file is never removed: a third process
/// would then lock another file of the same name.
///
/// None where the file cannot be created: SQLite reports better why it cannot open a database
/// there.
pub(super) async fn exclusive(database: &Path) -> Option<File> {
    if database.to_string_lossy().contains(':') {
        // In memory, or a URI: no other process shares it by this name.
        return None;
    }
    let mut path = database.to_owned().into_os_string();
    path.push(".lock");
    let lock = move || lock(&PathBuf::from(path));
    tokio::task::spawn_blocking(lock).await.ok()?
}

fn lock(path: &Path) -> Option<File> {
    let open = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path);
    let locked = open.and_then(|file| file.lock().map(|()| file));
    locked
        .inspect_err(|error| tracing::debug!(%error, path = %path.display(), "no lock"))
        .ok()
}
