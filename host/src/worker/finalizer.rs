//! Ends runs whose time is up: past their deadline, silent for too long, or never
//! started. Any number of replicas may: what one has in hand, the others skip.

use crate::clock;
use crate::config::RunsConfig;
use crate::store::Store;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Who the history names.
const ACTOR: &str = "finalizer";

/// Ends runs whose time is up.
pub struct Finalizer {
    store: Store,
    batch_max: u32,
    look_every: Duration,
}

impl Finalizer {
    /// With these settings.
    pub fn new(store: Store, config: &RunsConfig) -> Self {
        Self {
            store,
            batch_max: config.batch_runs_max,
            look_every: Duration::from_millis(config.poll_ms),
        }
    }

    /// Works until `stop`. Nobody signals that time passes, so it looks by itself; what
    /// ends a moment late ends all the same.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            // As long as a pass is full, there may be more.
            while self.pass().await && !stop.is_cancelled() {}
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(self.look_every) => {}
            }
        }
    }

    /// Ends what is due, as much as one transaction may; returns whether there may be
    /// more.
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
                tracing::error!(%error, "could not end runs whose time is up; trying again");
                false
            }
        }
    }
}
