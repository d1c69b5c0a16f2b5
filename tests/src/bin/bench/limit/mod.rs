//! The limits: what this machine allows a server that does no more than it must.
//!
//! Owns: an HTTP server that checks signatures, a writer that also commits, and a settlement
//! in hand-written SQL.
//! Never does: use the server's code, except to create the tables.

mod bare;
mod connection;
mod postgres;
pub mod settle;
mod signer;
pub mod sql;
mod sqlite;
pub mod writer;

use std::net::SocketAddr;
use std::thread::JoinHandle;

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::deliveries::Deliveries;
use crate::load::{Load, load};
use crate::settings::Settings;

pub use bare::measure as measure_http;
pub use settle::Settled;
pub use signer::Signer;

/// The webhook secret of the limits.
const SECRET: &str = "bench-limits";

/// An HTTP server on threads of its own, until it is dropped.
pub struct Limit {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Limit {
    /// Serves a router on a free port. `router` runs on the server's threads, and so do the
    /// tasks that it spawns.
    pub async fn serve(
        router: impl Future<Output = anyhow::Result<Router>> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let (listening, listens) = oneshot::channel();
        let runtime = tokio::runtime::Runtime::new()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                match bind(router).await {
                    Err(error) => drop(listening.send(Err(error))),
                    Ok((router, listener, address)) => {
                        drop(listening.send(Ok(address)));
                        tokio::select! {
                            _ = axum::serve(listener, router) => {}
                            _ = stopped => {}
                        }
                    }
                }
            });
            // No request is worth waiting for.
            runtime.shutdown_background();
        });
        let address = listens.await.context("the server's thread has ended")??;
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Sends deliveries to `/hook` for a while.
    async fn load(&self, settings: &Settings) -> anyhow::Result<Load> {
        let deliveries = Deliveries::new(&format!("http://{}/hook", self.address), SECRET)?;
        load(&deliveries.into(), settings.connections, settings.seconds).await
    }
}

async fn bind(
    router: impl Future<Output = anyhow::Result<Router>>,
) -> anyhow::Result<(Router, TcpListener, SocketAddr)> {
    let router = router.await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    Ok((router, listener, address))
}

impl Drop for Limit {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends at once, and nothing can be done about a panic.
            let _ = thread.join();
        }
    }
}
