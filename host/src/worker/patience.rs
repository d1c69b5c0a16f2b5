//! Retries of store calls while the database is unavailable.

use crate::store::StoreError;
use std::time::Duration;

/// Tries to write down finished work. After the last one its lease expires, and the work
/// is done again.
pub(super) const WRITE_TRIES_MAX: u32 = 20;
/// The pause between two of them.
pub(super) const WRITE_PAUSE: Duration = Duration::from_millis(250);

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
