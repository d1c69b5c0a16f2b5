//! Compares this host's clock with the database's.
//!
//! Replicas judge leases and due times by their own clocks, so a wrong one shows in what
//! others do. The database's clock is the one that all of them can compare with.

use crate::clock;
use crate::measure;
use crate::store::{Store, StoreError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The time between two comparisons.
const EVERY: Duration = Duration::from_secs(15);
/// An operator is warned about an offset beyond this, in seconds.
const OFFSET_MAX: f64 = 1.0;
/// Warnings are this many comparisons apart while the offset stays.
const WARN_EVERY: u32 = 20;

/// Compares until `stop`.
pub(super) async fn run(store: Store, stop: CancellationToken) {
    let mut since_warning = WARN_EVERY;
    while !stop.is_cancelled() {
        match offset(&store).await {
            Ok(Some(offset)) => {
                measure::clock_offset(offset);
                since_warning = since_warning.saturating_add(1);
                if offset.abs() > OFFSET_MAX && since_warning > WARN_EVERY {
                    since_warning = 0;
                    tracing::warn!(
                        offset_seconds = offset,
                        "this host's clock and the database's differ by more than a second; is NTP running on both?"
                    );
                }
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "could not read the database's clock"),
        }
        stop.run_until_cancelled(tokio::time::sleep(EVERY)).await;
    }
}

/// Seconds by which this host's clock is ahead. The answer may take any time, so it counts
/// only what cannot be explained by that. None if there is only one clock.
async fn offset(store: &Store) -> Result<Option<f64>, StoreError> {
    let asked = clock::now();
    let Some(theirs) = store.database_time().await? else {
        return Ok(None);
    };
    let answered = clock::now();
    // The database read its clock somewhere between the two.
    let micros = if theirs < asked {
        asked.micros_since(theirs)
    } else if theirs > answered {
        answered.micros_since(theirs)
    } else {
        0
    };
    Ok(Some(micros as f64 / 1e6))
}
