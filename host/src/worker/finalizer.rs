//! Times runs out that are past their deadline, silent for too long, or never started.
//! Replicas may do so at the same time: each skips the rows that another one has locked.

use crate::clock;
use crate::config::RunsConfig;
use crate::store::Store;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The actor in the history of a run.
const ACTOR: &str = "finalizer";

/// Times runs out.
pub struct Finalizer {
    store: Store,
    batch_max: u32,
    look_every: Duration,
}

impl Finalizer {
    /// A finalizer for `store`.
    pub fn new(store: Store, config: &RunsConfig) -> Self {
        Self {
            store,
            batch_max: config.batch_runs_max.u32(),
            look_every: config.poll_ms.duration(),
        }
    }

    /// Works until `stop`. No signal announces a deadline, so it polls; a run may end a
    /// moment late.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            // After a full pass there may be more due runs.
            while self.pass().await && !stop.is_cancelled() {}
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(self.look_every) => {}
            }
        }
    }

    /// Times out as many due runs as one transaction may; returns whether there may be more.
    async fn pass(&self) -> bool {
        let pass = self
            .store
            .time_out_runs(clock::now(), self.batch_max, ACTOR);
        match pass.await {
            Ok(pass) => {
                for run in &pass.ended {
                    let reason = run.reason.as_deref().unwrap_or_default();
                    tracing::warn!(run.id = %run.id, attempt = run.attempt, reason, "a run timed out");
                }
                pass.is_full
            }
            Err(error) => {
                tracing::error!(%error, "could not time out runs; will retry");
                false
            }
        }
    }
}
