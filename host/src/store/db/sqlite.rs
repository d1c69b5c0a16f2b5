//! SQLite: its pools, and the time limit of a read.
//!
//! SQLite has one writer at a time: a pool of one queues writers fairly instead of letting
//! them collide. `/v1` reads through connections of its own.

use super::crowd::Crowd;
use super::held::Held;
use super::lock;
use super::options::StoreOptions;
use super::share::Share;
use crate::store::StoreError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// SQLite looks at the time after this many steps of its machine: some tenths of a
/// millisecond.
const STEPS_PER_LOOK: i32 = 10_000;

/// A handle to the connections of one share.
#[derive(Clone, Debug)]
pub(in crate::store) struct Sqlite {
    read: SqlitePool,
    /// None unless the share is that of `/v1`.
    crowd: Option<Arc<Crowd>>,
    file: Arc<SqliteFile>,
}

/// Everything that the handles share.
#[derive(Debug)]
struct SqliteFile {
    path: PathBuf,
    /// The name in metrics, and the pool: first that of `/v1`, if it has one.
    pools: Vec<(&'static str, SqlitePool)>,
    read: SqlitePool,
    write: SqlitePool,
    crowd: Arc<Crowd>,
    answer_max: Duration,
}

impl Sqlite {
    pub(super) async fn open(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let connect = SqliteConnectOptions::from_str(url)
            .map_err(|_| StoreError::Url(url.to_owned()))?
            .create_if_missing(options.may_create)
            .journal_mode(SqliteJournalMode::Wal)
            // An acknowledged delivery survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .foreign_keys(true)
            .disable_statement_logging();
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(options.acquire_timeout.max(Duration::from_secs(15)))
                .test_before_acquire(false)
        };
        let path = connect.get_filename().to_owned();
        if !options.may_create && !path.exists() {
            return Err(StoreError::NoFile(path));
        }
        // Changing a fresh file to WAL fails at once while another process does it.
        let lock = lock::exclusive(&path).await;
        let write = pool(1).connect_with(connect.clone()).await?;
        let reader = connect.read_only(true);
        let all = options.connections_max;
        let (mut pools, mut rest) = (Vec::new(), all);
        if options.shares.contains(&Share::Api) {
            let api = (all / 2).max(1);
            rest = all.saturating_sub(api).max(1);
            pools.push(("api", pool(api).connect_lazy_with(reader.clone())));
        }
        let read = pool(rest).connect_with(reader).await?;
        pools.push(("read", read.clone()));
        pools.push(("write", write.clone()));
        drop(lock);
        let crowd = Crowd::new(
            options.organization_max(all - all / 2),
            options.acquire_timeout,
        );
        Ok(Self {
            read: read.clone(),
            crowd: None,
            file: Arc::new(SqliteFile {
                path,
                pools,
                read,
                write,
                crowd,
                answer_max: options.answer_max,
            }),
        })
    }

    /// The handle of a share.
    pub(super) fn of(&self, share: Share) -> Self {
        let own = match share {
            Share::Api => self.file.pools.iter().find(|(name, _)| *name == "api"),
            _ => None,
        };
        Self {
            read: own.map_or_else(|| self.file.read.clone(), |(_, pool)| pool.clone()),
            crowd: (share == Share::Api).then(|| Arc::clone(&self.file.crowd)),
            file: Arc::clone(&self.file),
        }
    }

    /// Each pool by its name in metrics.
    pub(in crate::store) fn pools(&self) -> &[(&'static str, SqlitePool)] {
        &self.file.pools
    }

    /// The path of the file.
    pub(super) fn path(&self) -> &Path {
        &self.file.path
    }

    /// The only connection that writes.
    pub(super) fn writer(&self) -> &SqlitePool {
        &self.file.write
    }

    pub(super) async fn close(&self) {
        for (_, pool) in &self.file.pools {
            pool.close().await;
        }
    }

    /// Runs `body` on a connection that only reads. SQLite gives it up after
    /// `answer_max`, also when nobody waits for it any more.
    pub(super) async fn hold_to_read<T>(
        &self,
        body: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut held = self.hold(&self.read).await?;
        let end = Instant::now() + self.file.answer_max;
        held.connection()
            .lock_handle()
            .await?
            .set_progress_handler(STEPS_PER_LOOK, move || Instant::now() < end);
        let done = body(held.connection()).await;
        held.end(false);
        done
    }

    /// Runs `body` in a transaction.
    pub(super) async fn hold_to_write<T>(
        &self,
        body: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut held = self.hold(&self.file.write).await?;
        // Immediate: a transaction that reads first and writes later would otherwise fail
        // when another process writes in between.
        let begin = held.connection().begin_with("begin immediate");
        let mut transaction = begin.await?;
        let done = body(&mut transaction).await?;
        transaction.commit().await?;
        held.end(false);
        Ok(done)
    }

    async fn hold(&self, pool: &SqlitePool) -> Result<Held<sqlx::Sqlite>, StoreError> {
        let part = match &self.crowd {
            Some(crowd) => crowd.enter().await?,
            None => None,
        };
        Ok(Held::new(pool.acquire().await?, part, self.file.answer_max))
    }
}
