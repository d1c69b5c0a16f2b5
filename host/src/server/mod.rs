//! The HTTP server: connections, their limits, and a shutdown that lets requests
//! finish.

mod first_bytes;

use axum::Router;
use first_bytes::FirstBytes;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The pause after a connection could not be accepted: usually too many files are
/// open, and trying again at once would only burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What hyper needs at least to read a request.
const HEADER_BYTES_MIN: usize = 8_192;

/// Limits of connections.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Connections at the same time; further ones wait to be accepted.
    pub connections_max: usize,
    /// All headers of a request together, in bytes.
    pub header_bytes_max: usize,
    /// How long a connection may take to send its first bytes, and then the headers
    /// of each request.
    pub header_timeout: Duration,
    /// How long requests may take to finish after `stop`.
    pub drain_max: Duration,
}

/// Serves until `stop`, then until the requests under way are done; those that take
/// longer than `drain_max` are aborted, and with them goes what they hold of the
/// router: handles that somebody else waits for.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ServerLimits,
    stop: CancellationToken,
) {
    let builder = builder(limits);
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits.connections_max));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let Some((stream, permit)) = accepted else {
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        let io = TokioIo::new(FirstBytes::new(stream, limits.header_timeout));
        let connection = graceful.watch(builder.serve_connection(io, service).into_owned());
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended badly");
            }
            drop(permit);
        });
        // What has ended since the last one leaves the set.
        while connections.try_join_next().is_some() {}
    }
    drop((listener, router));
    if tokio::time::timeout(limits.drain_max, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests did not finish before the shutdown and are aborted");
    }
    connections.shutdown().await;
}

fn builder(limits: ServerLimits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    let header_bytes_max = limits.header_bytes_max.max(HEADER_BYTES_MIN);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(header_bytes_max);
    builder
        .http2()
        .timer(TokioTimer::new())
        // A peer that is gone without a word answers no ping.
        .keep_alive_interval(limits.header_timeout)
        .keep_alive_timeout(limits.header_timeout)
        .max_header_list_size(u32::try_from(header_bytes_max).unwrap_or(u32::MAX));
    builder
}

/// The next connection, once there is room for it; none if accepting failed.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers are small: waiting to fill a packet would only delay them.
            let _ = stream.set_nodelay(true);
            Some((stream, permit))
        }
        Err(error) => {
            tracing::warn!(%error, "could not accept a connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}
