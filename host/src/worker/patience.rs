//! Retries of store calls while the database is unavailable.

use crate::store::{Store, StoreError};
use std::time::Duration;

/// Tries to write down finished work. After the last one its lease expires, and the work
/// is done again.
pub(super) const WRITE_TRIES_MAX: u32 = 20;
/// The pause between two of them.
pub(super) const WRITE_PAUSE: Duration = Duration::from_millis(250);

/// Tries of a batch while the database answers other calls. After them its halves are tried.
pub(super) const BATCH_TRIES_MAX: u32 = 2;

/// Calls the store up to `tries` times, `pause` apart, until it answers. Any error but an
/// unavailable database is an answer.
pub(super) async fn patiently<T, F>(
    tries: u32,
    pause: Duration,
    mut call: impl FnMut() -> F,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for _ in 1..tries {
        match call().await {
            Err(error) if error.is_transient() => tokio::time::sleep(pause).await,
            answer => return answer,
        }
    }
    call().await
}

/// Calls the store until it answers, for as long as the database is away. While it answers
/// other calls, `tries_max` is the limit, and one try that cost the whole time limit is
/// enough: a smaller batch may succeed.
pub(super) async fn tried<T, F>(
    store: &Store,
    tries_max: u32,
    mut call: impl FnMut() -> F,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for tries in 1..WRITE_TRIES_MAX {
        match call().await {
            Err(error) if error.is_transient() => {
                let is_enough = tries >= tries_max || error.is_unanswered();
                if is_enough && store.ping().await.is_ok() {
                    return Err(error);
                }
                tokio::time::sleep(WRITE_PAUSE).await;
            }
            answer => return answer,
        }
    }
    call().await
}
