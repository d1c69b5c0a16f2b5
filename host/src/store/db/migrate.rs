//! Brings the schema up to date, beside replicas that work with the older one.
//!
//! Owns: whose turn it is to migrate, which migrations are missing, and whether this version
//! may still run beside a newer one's schema (`schema_floor`).
//! Never does: limit the time of a migration. An index on a large table takes its time.

use super::{Db, Store, lock};
use crate::store::StoreError;
use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migration, Migrator};
use sqlx::{AssertSqlSafe, Executor, PgConnection, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{Instant, interval};

static POSTGRES: Migrator = sqlx_macros::migrate!("../migrations/postgres");
static SQLITE: Migrator = sqlx_macros::migrate!("../migrations/sqlite");

/// The table of applied migrations.
const APPLIED: &str = "_sqlx_migrations";
/// The advisory lock of the process that migrates: "triggerh" in ASCII.
const TURN: i64 = 0x7472_6967_6765_7268;
/// The pause between two tries to get the turn.
const TURN_PAUSE: Duration = Duration::from_millis(200);
/// The time between two log lines about something that takes long.
const REPORT_EVERY: Duration = Duration::from_secs(10);

impl Store {
    /// Brings the schema up to date. Safe to call from several processes: one migrates, the
    /// others wait.
    ///
    /// # Errors
    /// If a migration fails, or the database has a schema for newer versions only.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match &self.db {
            Db::Postgres(_) => self.migrate_by(&POSTGRES).await,
            Db::Sqlite(_) => self.migrate_by(&SQLITE).await,
        }
    }

    /// Like [`Store::migrate`], by other migrations than those of this version.
    ///
    /// # Errors
    /// As there.
    pub async fn migrate_by(&self, migrator: &Migrator) -> Result<(), StoreError> {
        match &self.db {
            Db::Postgres(postgres) => {
                // The end of this connection ends its turn, too.
                let mut connection = postgres.unlimited().await?;
                take_turn(&mut connection).await?;
                let missing = missing(&mut connection, migrator).await?;
                for migration in missing {
                    if migration.no_tx {
                        drop_unfinished_indexes(&mut connection, migration).await?;
                    }
                    apply(&mut connection, migration).await?;
                }
            }
            Db::Sqlite(sqlite) => {
                // Two processes would both apply the missing migrations, and the second one
                // would fail.
                let _lock = lock::exclusive(sqlite.path()).await;
                let mut connection = sqlite.writer().acquire().await?;
                for migration in missing(&mut *connection, migrator).await? {
                    apply(&mut *connection, migration).await?;
                }
            }
        }
        Ok(())
    }
}

/// Waits until no other process migrates.
///
/// It asks again and again: a statement that waited for the lock would hold a snapshot, and
/// an index that is built concurrently waits for every snapshot.
async fn take_turn(connection: &mut PgConnection) -> Result<(), StoreError> {
    let mut reported = None;
    loop {
        let take = sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(TURN);
        let is_taken: bool = take.fetch_one(&mut *connection).await?;
        if is_taken {
            return Ok(());
        }
        if reported.is_none_or(|at: Instant| at.elapsed() >= REPORT_EVERY) {
            tracing::info!("another process migrates the database; waiting for it");
            reported = Some(Instant::now());
        }
        tokio::time::sleep(TURN_PAUSE).await;
    }
}

/// A connection that can say which versions its schema is for.
trait HasFloor {
    /// The oldest migration that a version has to know. None in a schema before there was
    /// such a floor.
    async fn floor(&mut self) -> Result<Option<i64>, sqlx::Error>;
}

const FLOOR: &str = "select version from schema_floor";

impl HasFloor for PgConnection {
    async fn floor(&mut self) -> Result<Option<i64>, sqlx::Error> {
        let exists = "select to_regclass('schema_floor') is not null";
        let exists: bool = sqlx::query_scalar(exists).fetch_one(&mut *self).await?;
        if !exists {
            return Ok(None);
        }
        sqlx::query_scalar(FLOOR).fetch_optional(self).await
    }
}

impl HasFloor for SqliteConnection {
    async fn floor(&mut self) -> Result<Option<i64>, sqlx::Error> {
        let exists = "select exists (select 1 from sqlite_master where name = 'schema_floor')";
        let exists: bool = sqlx::query_scalar(exists).fetch_one(&mut *self).await?;
        if !exists {
            return Ok(None);
        }
        sqlx::query_scalar(FLOOR).fetch_optional(self).await
    }
}

/// The migrations that the database lacks, oldest first.
///
/// # Errors
/// If a migration differs from the one that was applied, or a newer version has applied
/// one beside which this version may not run.
async fn missing<'m, C: Migrate + HasFloor>(
    connection: &mut C,
    migrator: &'m Migrator,
) -> Result<Vec<&'m Migration>, StoreError> {
    connection.ensure_migrations_table(APPLIED).await?;
    if let Some(version) = connection.dirty_version(APPLIED).await? {
        return Err(MigrateError::Dirty(version).into());
    }
    let applied = connection.list_applied_migrations(APPLIED).await?;
    let known: BTreeSet<i64> = migrator.iter().map(|migration| migration.version).collect();
    let newest = known.last().copied().unwrap_or(0);
    let newer = applied.iter().find(|one| !known.contains(&one.version));
    if let Some(newer) = newer {
        match connection.floor().await? {
            Some(floor) if floor <= newest => tracing::info!(
                known = newest,
                "a newer version has migrated the database; this one may run beside it"
            ),
            Some(needed) => return Err(StoreError::Outdated { newest, needed }),
            None => return Err(MigrateError::VersionMissing(newer.version).into()),
        }
    }
    let applied: BTreeMap<i64, AppliedMigration> =
        applied.into_iter().map(|one| (one.version, one)).collect();
    let mut missing = Vec::new();
    for migration in migrator.iter() {
        match applied.get(&migration.version) {
            None => missing.push(migration),
            Some(one) if one.checksum != migration.checksum => {
                return Err(MigrateError::VersionMismatch(migration.version).into());
            }
            Some(_) => {}
        }
    }
    Ok(missing)
}

/// Applies one migration, and says so from time to time if it takes long.
async fn apply<C: Migrate>(connection: &mut C, migration: &Migration) -> Result<(), StoreError> {
    let (version, begun) = (migration.version, Instant::now());
    let description = &*migration.description;
    let applied = connection.apply(APPLIED, migration);
    tokio::pin!(applied);
    let mut reports = interval(REPORT_EVERY);
    reports.tick().await;
    loop {
        tokio::select! {
            done = &mut applied => {
                done?;
                break;
            }
            _ = reports.tick() => tracing::info!(
                version,
                description,
                seconds = begun.elapsed().as_secs(),
                "a migration of the database is still under way"
            ),
        }
    }
    tracing::info!(version, description, took = ?begun.elapsed(), "migrated the database");
    Ok(())
}

/// Drops what an earlier try of this migration left: an index that was being built when its
/// process died stays invalid for ever, and its name is taken.
async fn drop_unfinished_indexes(
    connection: &mut PgConnection,
    migration: &Migration,
) -> Result<(), StoreError> {
    const UNFINISHED: &str = "select quote_ident(class.relname) from pg_index as index
        join pg_class as class on class.oid = index.indexrelid
        join pg_namespace as space on space.oid = class.relnamespace
        where not index.indisvalid and space.nspname = any(current_schemas(false))";
    let unfinished: Vec<String> = sqlx::query_scalar(UNFINISHED)
        .fetch_all(&mut *connection)
        .await?;
    let sql = migration.sql.as_str();
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '"';
    for index in unfinished {
        if sql.split(|c| !is_word(c)).any(|word| word == index) {
            tracing::warn!(index, "dropping an index whose build was interrupted");
            let drop = format!("drop index concurrently {index}");
            connection.execute(AssertSqlSafe(drop)).await?;
        }
    }
    Ok(())
}
