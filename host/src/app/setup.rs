//! The parts that a process opens before its roles start. Commands use them too.
//!
//! Owns: how settings become a store, a registry and locks.
//! Never does: start a task.

use crate::config::{Config, Role};
use crate::lock::Locks;
use crate::provider::{Cache, Engine, Registry};
use crate::server::ServerLimits;
use crate::store::{Share, Store, StoreOptions};
use anyhow::Context;
use std::path::{Path, PathBuf};

/// Opens the configured database for a command. A missing SQLite file is created if
/// `may_create`.
///
/// # Errors
/// If the database cannot be reached.
pub async fn open_store(config: &Config, may_create: bool) -> anyhow::Result<Store> {
    open(config, Vec::new(), may_create).await
}

/// Opens the configured database for a process that plays the configured roles: each part
/// of it gets connections of its own.
///
/// # Errors
/// If the database cannot be reached.
pub(super) async fn open_store_of_roles(config: &Config) -> anyhow::Result<Store> {
    let mut shares = vec![Share::Health];
    if config.has_role(Role::Ingress) {
        shares.extend([Share::Writer, Share::Door]);
    }
    if [Role::Workers, Role::Scheduler, Role::Dispatcher]
        .into_iter()
        .any(|role| config.has_role(role))
    {
        shares.push(Share::Workers);
    }
    if config.has_role(Role::Api) {
        shares.push(Share::Api);
    }
    open(config, shares, true).await
}

async fn open(config: &Config, shares: Vec<Share>, may_create: bool) -> anyhow::Result<Store> {
    let options = StoreOptions {
        connections_max: config.database_connections_max.u32(),
        shares,
        organization_connections_max: config.api.organization_connections_max.u32(),
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

/// The limits of the HTTP server.
pub(super) fn server_limits(config: &Config) -> ServerLimits {
    let ingress = &config.ingress;
    ServerLimits {
        connections_max: ingress.connections_max.usize(),
        header_bytes_max: ingress.header_bytes_max.usize(),
        header_timeout: ingress.request_timeout_ms.duration(),
        drain_max: config.shutdown_seconds_max.duration() / 2,
    }
}
