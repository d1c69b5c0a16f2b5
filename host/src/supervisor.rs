//! The supervisor of background tasks: none ends before its time without consequence.
//!
//! A task that holds nothing of its own starts again, after a pause that grows while it
//! keeps falling. A task that others depend on cannot: its end is the end of the process.
//! Both are logged; restarts are counted.

use crate::measure;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// The pause before the first restart; it doubles …
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// … up to this.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A task that ran this long has recovered: the pause is the first one again.
const RECOVERED_AFTER: Duration = Duration::from_secs(300);

/// Supervises the tasks of a process; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Supervisor(Arc<Tasks>);

#[derive(Debug, Default)]
struct Tasks {
    /// Tasks that wait for their restart.
    restarting: Mutex<BTreeSet<&'static str>>,
    /// The first task that ended and cannot be restarted.
    fallen: watch::Sender<Option<&'static str>>,
}

impl Supervisor {
    /// Starts a task that ends after `stop`, and restarts it whenever it ends sooner.
    /// Aborting the handle aborts the task.
    pub fn keep<F>(
        &self,
        name: &'static str,
        stop: CancellationToken,
        task: impl Fn() -> F + Send + 'static,
    ) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let tasks = Arc::clone(&self.0);
        tokio::spawn(async move {
            let mut pause = Duration::ZERO;
            loop {
                let begun = Instant::now();
                let ended = AbortOnDropHandle::new(tokio::spawn(task())).await;
                if stop.is_cancelled() {
                    return report_last(name, ended);
                }
                pause = next_pause(pause, begun.elapsed());
                let reason = reason(ended);
                tracing::error!(
                    task = name,
                    reason,
                    "a background task ended before its time; it starts again in {} s",
                    pause.as_secs()
                );
                tasks.restarting().insert(name);
                let stopped = stop.run_until_cancelled(tokio::time::sleep(pause)).await;
                tasks.restarting().remove(name);
                if stopped.is_none() {
                    return;
                }
                measure::restarted(name);
            }
        })
    }

    /// Starts a task that ends after `stop`. If it ends sooner, [`Supervisor::fallen`] says
    /// so. Aborting the handle aborts the task.
    pub fn watch(
        &self,
        name: &'static str,
        stop: CancellationToken,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<()> {
        let tasks = Arc::clone(&self.0);
        let task = AbortOnDropHandle::new(tokio::spawn(task));
        tokio::spawn(async move {
            let ended = task.await;
            if stop.is_cancelled() {
                return report_last(name, ended);
            }
            let reason = reason(ended);
            tracing::error!(
                task = name,
                reason,
                "a task that the process cannot do without ended before its time; the process stops"
            );
            tasks.fallen.send_if_modified(|fallen| {
                let is_first = fallen.is_none();
                fallen.get_or_insert(name);
                is_first
            });
        })
    }

    /// The tasks that wait for their restart.
    pub fn restarting(&self) -> Vec<&'static str> {
        self.0.restarting().iter().copied().collect()
    }

    /// Returns once a task has ended without which the process cannot go on.
    pub async fn fallen(&self) -> &'static str {
        let mut fallen = self.0.fallen.subscribe();
        match fallen.wait_for(Option::is_some).await.map(|name| *name) {
            Ok(Some(name)) => name,
            // The sender lives as long as `self`.
            _ => std::future::pending().await,
        }
    }
}

impl Tasks {
    fn restarting(&self) -> MutexGuard<'_, BTreeSet<&'static str>> {
        // No change to the set can be left half done.
        let restarting = self.restarting.lock();
        restarting.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pause after a task ran for `ran`; the one before was `last`.
fn next_pause(last: Duration, ran: Duration) -> Duration {
    if ran >= RECOVERED_AFTER {
        return PAUSE_MIN;
    }
    (last * 2).clamp(PAUSE_MIN, PAUSE_MAX)
}

/// A task that panics while the process stops has lost what it was finishing.
fn report_last(name: &'static str, ended: Result<(), JoinError>) {
    if ended.as_ref().is_err_and(JoinError::is_panic) {
        let reason = reason(ended);
        tracing::error!(
            task = name,
            reason,
            "a task panicked while the process stops"
        );
    }
}

/// The reason for which a task ended, for people.
fn reason(ended: Result<(), JoinError>) -> String {
    let Err(error) = ended else {
        return "it returned".to_owned();
    };
    let Ok(panic) = error.try_into_panic() else {
        return "it was aborted".to_owned();
    };
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn the_pause_grows_until_a_task_has_recovered() {
        let mut pause = Duration::ZERO;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            pause = next_pause(pause, Duration::from_secs(1));
            pauses.push(pause.as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(next_pause(pause, RECOVERED_AFTER), PAUSE_MIN);
    }

    #[tokio::test]
    async fn a_task_that_panics_starts_again() {
        let (supervisor, stop) = (Supervisor::default(), CancellationToken::new());
        let (starts, mut started) = tokio::sync::mpsc::unbounded_channel();
        let (count, until) = (AtomicU32::new(0), stop.clone());
        let task = supervisor.keep("poisoned", stop.clone(), move || {
            let nth = count.fetch_add(1, Ordering::Relaxed);
            let (starts, until) = (starts.clone(), until.clone());
            async move {
                starts.send(nth).unwrap();
                assert!(nth > 0, "the first one");
                until.cancelled().await;
            }
        });
        assert_eq!(started.recv().await, Some(0));
        let begun = Instant::now();
        while supervisor.restarting() != ["poisoned"] {
            tokio::task::yield_now().await;
        }
        assert_eq!(started.recv().await, Some(1));
        assert!(begun.elapsed() >= PAUSE_MIN / 2);
        assert!(supervisor.restarting().is_empty());
        stop.cancel();
        task.await.unwrap();
    }

    #[tokio::test]
    async fn the_end_of_a_watched_task_is_the_end_of_the_process() {
        let (supervisor, stop) = (Supervisor::default(), CancellationToken::new());
        let task = supervisor.watch("writer", stop.clone(), async {});
        task.await.unwrap();
        assert_eq!(supervisor.fallen().await, "writer");
    }

    #[tokio::test]
    async fn a_task_that_ends_in_time_is_nobodys_concern() {
        let (supervisor, stop) = (Supervisor::default(), CancellationToken::new());
        stop.cancel();
        supervisor
            .watch("writer", stop.clone(), async {})
            .await
            .unwrap();
        supervisor.keep("worker", stop, || async {}).await.unwrap();
        let fallen = tokio::time::timeout(Duration::from_millis(50), supervisor.fallen());
        assert!(fallen.await.is_err());
        assert!(supervisor.restarting().is_empty());
    }
}
