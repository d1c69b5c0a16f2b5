//! The order of a shutdown.
//!
//! Owns: the tokens that stop each kind of task, the tasks, and the time that each may
//! take.
//! Never does: decide that the process should end.

use crate::store::Store;
use crate::supervisor::Supervisor;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The last part of a shutdown, as a divisor of its time: claims are given back.
const RELEASE_PART: u32 = 8;
/// The time that the store may take to close its connections.
const CLOSE_MAX: Duration = Duration::from_secs(2);

/// The tokens of a shutdown, in the order in which they are cancelled: first those of the
/// tasks that bring new work, then those of the tasks that do it.
#[derive(Clone, Default)]
pub(super) struct Stop {
    /// `/readyz` answers 503.
    pub(super) leaving: CancellationToken,
    /// The server and the dispatcher take nothing new.
    pub(super) server: CancellationToken,
    /// All other tasks finish what they have claimed.
    pub(super) work: CancellationToken,
    /// Workers give back what they have not finished.
    pub(super) release: CancellationToken,
}

/// The running tasks.
#[derive(Default)]
pub(super) struct Tasks {
    pub(super) supervisor: Supervisor,
    server: Vec<JoinHandle<()>>,
    work: Vec<JoinHandle<()>>,
}

impl Tasks {
    /// Starts a task that ends with the server. Requests depend on it, so the process ends
    /// with it.
    pub(super) fn serve(
        &mut self,
        name: &'static str,
        stop: &Stop,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let task = self.supervisor.watch(name, stop.server.clone(), task);
        self.server.push(task);
    }

    /// Starts a task that ends after the server. If it ends sooner, it starts again.
    pub(super) fn work<F>(
        &mut self,
        name: &'static str,
        stop: CancellationToken,
        task: impl Fn(CancellationToken) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let until = stop.clone();
        let task = move || task(until.clone());
        self.work.push(self.supervisor.keep(name, stop, task));
    }
}

/// Stops all tasks within `time_max`, and closes the store.
///
/// Requests get half of the time, so that one slow client cannot take the time that the
/// workers need to settle. The writer may use half of the rest. In the last part, workers
/// give back the deliveries that they have not finished, so that no other worker has to
/// wait for their leases.
pub(super) async fn run(stop: Stop, tasks: Tasks, store: Store, time_max: Duration) {
    let start = Instant::now();
    let end = start + time_max;
    stop.leaving.cancel();
    let release = stop.release.clone();
    let release_at = end - time_max / RELEASE_PART;
    let releasing = tokio::spawn(async move {
        tokio::time::sleep_until(release_at).await;
        release.cancel();
    });
    // The writer ends with the last request, which holds a handle to it.
    stop.server.cancel();
    let served = ended(tasks.server, start + time_max * 3 / 4).await;
    stop.work.cancel();
    let worked = ended(tasks.work, end).await;
    if !(served && worked) {
        tracing::warn!(
            "the shutdown took too long; other workers take over the claims when their leases expire"
        );
    }
    releasing.abort();
    let _ = tokio::time::timeout(CLOSE_MAX, store.close()).await;
}

/// Waits for tasks until `deadline`, and aborts the rest; returns whether all had ended.
async fn ended(tasks: Vec<JoinHandle<()>>, deadline: Instant) -> bool {
    let mut all = true;
    for mut task in tasks {
        if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
            task.abort();
            all = false;
        }
    }
    all
}
