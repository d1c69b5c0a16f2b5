//! The parts that a process opens before its roles start. Commands use them too.
//!
//! Owns: how settings become a store, a registry and locks.
//! Never does: start a task.

use crate::config::Config;
use crate::lock::Locks;
use crate::provider::{Cache, Engine, Registry};
use crate::store::{Store, StoreOptions};
use anyhow::Context;
use std::path::{Path, PathBuf};

/// Opens the configured database. A missing SQLite file is created if `may_create`.
///
/// # Errors
/// If the database cannot be reached.
pub async fn open_store(config: &Config, may_create: bool) -> anyhow::Result<Store> {
    let options = StoreOptions {
        connections_max: config.database_connections_max.u32(),
        answer_max: config.database_answer_seconds_max.duration(),
        may_create,
        ..StoreOptions::default()
    };
    Store::open(config.database_url.expose(), &options)
        .await
        .context("cannot open the database")
}

/// Loads the configured providers.
///
/// # Errors
/// If one of them is refused; the message names it and the reason.
pub async fn load_registry(config: &Config) -> anyhow::Result<Registry> {
    let engine = Engine::new(config.engine.clone())?;
    let directory =
        Some(Path::new(&config.providers_dir)).filter(|dir| !dir.as_os_str().is_empty());
    let cache = match cache_directory(config) {
        Some(directory) => Cache::at(&directory),
        None => Cache::disabled(),
    };
    Ok(Registry::load(&config.providers, directory, &engine, &cache).await?)
}

fn cache_directory(config: &Config) -> Option<PathBuf> {
    if !config.component_cache_dir.is_empty() {
        return Some(PathBuf::from(&config.component_cache_dir));
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(home)?;
    Some(base.join("triggerhouse"))
}

/// The locks of poll groups, in Redis if there is one.
pub(super) fn locks(config: &Config) -> anyhow::Result<Locks> {
    if config.redis_url.is_blank() {
        return Ok(Locks::none());
    }
    Locks::new(config.redis_url.expose()).context("redis_url")
}
