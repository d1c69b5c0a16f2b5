//! Postgres: its pools, the settings of its sessions, and the end of broken connections.
//!
//! Postgres is on another machine, which may be gone without a word: a dead connection looks
//! like one whose statement takes long. And a server that was demoted keeps its connections,
//! which then refuse every write.

use super::crowd::Crowd;
use super::held::Held;
use super::options::StoreOptions;
use super::share::{Share, divided};
use crate::store::StoreError;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The time limit of a ping, and of the wait for a connection to ping with.
const PING_MAX: Duration = Duration::from_secs(1);
/// The server's word about a time limit takes this long to arrive.
const WORD_MAX: Duration = Duration::from_millis(500);

/// True if the server takes no writes: it is a standby, or somebody made it read-only.
const IS_READ_ONLY: &str =
    "select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean";

/// A handle to the connections of one share.
#[derive(Clone, Debug)]
pub(in crate::store) struct Postgres {
    pool: PgPool,
    /// None unless the share is that of `/v1`.
    crowd: Option<Arc<Crowd>>,
    server: Arc<Server>,
}

/// Everything that the handles share.
#[derive(Debug)]
struct Server {
    /// The name in metrics, and the pool.
    pools: Vec<(&'static str, PgPool)>,
    /// The pool of shares that have none.
    general: PgPool,
    crowd: Arc<Crowd>,
    connect: PgConnectOptions,
    answer_max: Duration,
    /// Counts the calls that found their connection broken.
    broken: watch::Sender<u64>,
}

impl Postgres {
    pub(super) async fn open(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let connect = PgConnectOptions::from_str(url)
            .map_err(|_| StoreError::Url(without_password(url)))?
            .application_name("triggerhouse")
            .disable_statement_logging();
        // One more listens for signals.
        let total = options.connections_max.saturating_sub(1).max(1);
        let shares = divided(total, &options.shares);
        let mut pools = Vec::with_capacity(shares.len());
        for (share, size) in &shares {
            let mut builder = builder(*size, options);
            if *share == Share::Health {
                builder = builder.acquire_timeout(PING_MAX);
            }
            pools.push((share.as_str(), builder.connect_lazy_with(connect.clone())));
        }
        let general = match pools.last() {
            Some((_, last)) => last.clone(),
            None => {
                let all = builder(total, options).connect_lazy_with(connect.clone());
                pools.push(("all", all.clone()));
                all
            }
        };
        reach(&general, &connect).await?;
        let of_api = shares.iter().find(|(share, _)| *share == Share::Api);
        let api = of_api.map_or(total, |(_, size)| *size);
        Ok(Self {
            pool: general.clone(),
            crowd: None,
            server: Arc::new(Server {
                pools,
                general,
                crowd: Crowd::new(options.organization_max(api), options.acquire_timeout),
                connect,
                answer_max: options.answer_max,
                broken: watch::Sender::new(0),
            }),
        })
    }

    /// The handle of a share.
    pub(super) fn of(&self, share: Share) -> Self {
        let mut pools = self.server.pools.iter();
        let own = pools.find(|(name, _)| *name == share.as_str());
        Self {
            pool: own.map_or_else(|| self.server.general.clone(), |(_, pool)| pool.clone()),
            crowd: (share == Share::Api).then(|| Arc::clone(&self.server.crowd)),
            server: Arc::clone(&self.server),
        }
    }

    /// The longest wait for an answer. The server itself gives up a statement a little
    /// sooner, so that nothing runs on there and the connection stays of use.
    pub(in crate::store) fn answer_max(&self) -> Duration {
        self.server.answer_max + WORD_MAX
    }

    /// Each pool by its name in metrics.
    pub(in crate::store) fn pools(&self) -> &[(&'static str, PgPool)] {
        &self.server.pools
    }

    /// A pool of one connection, for the listener: it keeps its connection for as long as it
    /// listens.
    pub(in crate::store) fn listener(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(self.server.connect.clone())
    }

    /// A connection without time limits, outside of every pool.
    pub(super) async fn unlimited(&self) -> Result<PgConnection, StoreError> {
        Ok(self.server.connect.connect().await?)
    }

    /// Changes when a call finds its connection broken: others may be broken, too.
    pub(in crate::store) fn broken(&self) -> watch::Receiver<u64> {
        self.server.broken.subscribe()
    }

    pub(super) async fn close(&self) {
        for (_, pool) in &self.server.pools {
            pool.close().await;
        }
    }

    /// Runs `body` on a connection. One that is of no more use is closed, and idle ones like
    /// it with it.
    pub(super) async fn hold<T>(
        &self,
        body: impl AsyncFnOnce(&mut PgConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let part = match &self.crowd {
            Some(crowd) => crowd.enter().await?,
            None => None,
        };
        let mut held = Held::new(self.pool.acquire().await?, part, self.answer_max());
        let done = body(held.connection()).await;
        let is_broken = done.as_ref().is_err_and(StoreError::is_away);
        held.end(is_broken);
        if is_broken {
            self.server.broken.send_modify(|calls| *calls += 1);
            self.discard_broken().await;
        }
        done
    }

    /// Closes idle connections that give no answer, or whose server takes no writes.
    pub(super) async fn discard_broken(&self) {
        let mut pings = JoinSet::new();
        for (_, pool) in &self.server.pools {
            // All are held until each was pinged, or the pool would hand out the same one
            // again.
            while let Some(mut connection) = pool.try_acquire() {
                pings.spawn(async move {
                    let ping = timeout(PING_MAX, is_read_only(&mut connection)).await;
                    if !matches!(ping, Ok(Ok(false))) {
                        connection.close_on_drop();
                    }
                    connection
                });
            }
        }
        drop(pings.join_all().await);
    }
}

/// True if the server at the other end takes no writes.
pub(super) async fn is_read_only(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(IS_READ_ONLY).fetch_one(connection).await
}

/// Fails with the reason if the database cannot be reached.
async fn reach(pool: &PgPool, connect: &PgConnectOptions) -> Result<(), StoreError> {
    match pool.acquire().await {
        Ok(_) => Ok(()),
        // The pool retried until its time was up, and does not say why: ask once more.
        Err(sqlx::Error::PoolTimedOut) => match timeout(PING_MAX, connect.connect()).await {
            Ok(Err(reason)) => Err(reason.into()),
            _ => Err(sqlx::Error::PoolTimedOut.into()),
        },
        Err(error) => Err(error.into()),
    }
}

fn builder(size: u32, options: &StoreOptions) -> PgPoolOptions {
    let session = session(options.answer_max);
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(options.acquire_timeout)
        // A ping before each use would cost every statement a second round trip. A
        // connection that broke fails one call and is replaced: the writer and the
        // workers try again, an API call is answered with 503 and Retry-After.
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let session = session.clone();
            Box::pin(async move {
                connection.execute(AssertSqlSafe(session)).await?;
                Ok(())
            })
        })
}

/// The settings of a session. They override defaults of the server, the role and the
/// database. Set by statements: a pooler refuses most options of a startup message.
fn session(answer_max: Duration) -> String {
    let statement = answer_max.as_millis();
    // Every statement has an index. Statistics that are older than a burst, or than a new
    // partition, must not choose to read a whole table instead, nor to compile a plan for it.
    // A call that waits for a lock ends with that reason.
    let lock = (statement / 2).max(1);
    format!(
        "set statement_timeout = {statement};
         set lock_timeout = {lock};
         set idle_in_transaction_session_timeout = {statement};
         set default_transaction_isolation = 'read committed';
         set enable_seqscan = off;
         set jit = off;
         select set_config('synchronous_commit', 'on', false)
         where current_setting('synchronous_commit') <> 'remote_apply'"
    )
}

/// The URL without its password, for messages.
pub(super) fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => {
            format!("{}…{}", &url[..scheme + 3], &url[at..])
        }
        _ => url.to_owned(),
    }
}
