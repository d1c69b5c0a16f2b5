//! The HTTP server: accepts connections within limits, and shuts down gracefully.
//!
//! Owns: connections and their deadlines.
//! Never does: routes, or anything with a request but pass it to the router.

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

/// The pause after a failed accept. Usually too many files are open, and an immediate retry
/// would only burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The smallest buffer that hyper accepts, in bytes.
const HEADER_BYTES_MIN: usize = 8_192;

/// The limits of connections.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Concurrent connections. More of them wait to be accepted.
    pub connections_max: usize,
    /// Bytes of all headers of a request.
    pub header_bytes_max: usize,
    /// The time for a connection's first bytes, and then for the headers of each request.
    pub header_timeout: Duration,
    /// The time for requests to finish after `stop`.
    pub drain_max: Duration,
}

/// Serves until `stop`, then lets requests in progress finish within `drain_max`.
///
/// Aborted requests drop their part of the router, and so the handles that other tasks wait
/// for.
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
                tracing::debug!(%error, "a connection failed");
            }
            drop(permit);
        });
        // Removes connections that have ended.
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
        // A vanished peer answers no ping.
        .keep_alive_interval(limits.header_timeout)
        .keep_alive_timeout(limits.header_timeout)
        .max_header_list_size(u32::try_from(header_bytes_max).unwrap_or(u32::MAX));
    builder
}

/// The next connection, once the limit allows it. None if accepting failed.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers are small: waiting for a full packet would only delay them.
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
