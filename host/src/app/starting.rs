//! The server of a process that is still starting: it answers that it is alive and not
//! ready, so that nobody kills it while it migrates a large database.

use super::setup::server_limits;
use crate::api;
use crate::config::Config;
use crate::server::{self, ServerLimits};
use anyhow::Context;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The time for its last requests to finish.
const DRAIN_MAX: Duration = Duration::from_millis(500);

/// The running server; it ends when this is dropped.
pub(super) struct Starting {
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Starting {
    /// Serves at the address of `listener`, which goes on to listen afterwards.
    pub(super) fn serve(listener: &TcpListener, config: &Config) -> anyhow::Result<Self> {
        let listener = again(listener).context("the listening address")?;
        let limits = ServerLimits {
            drain_max: DRAIN_MAX,
            ..server_limits(config)
        };
        let stop = CancellationToken::new();
        let serve = server::serve(listener, api::starting(), limits, stop.clone());
        Ok(Self {
            stop: stop.drop_guard(),
            task: tokio::spawn(serve),
        })
    }

    /// Ends it. Requests that come meanwhile wait for the next server.
    pub(super) async fn end(self) {
        drop(self.stop);
        // A panic there is no reason not to start.
        let _ = self.task.await;
    }
}

/// The same socket, so that connections which wait to be accepted wait for either server.
fn again(listener: &TcpListener) -> io::Result<TcpListener> {
    let socket = listener.as_fd().try_clone_to_owned()?;
    TcpListener::from_std(socket.into())
}
