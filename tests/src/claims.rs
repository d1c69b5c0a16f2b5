//! Claims of deliveries as a worker makes them, at a time that the test chooses.

use std::time::Duration;
use triggerhouse::domain::delivery::ClaimedDelivery;
use triggerhouse::domain::{Timestamp, WorkerId};
use triggerhouse::store::{Claim, ClaimMemory, LaneShare, Store, StoreError};

/// Memory for everything.
pub const MEMORY: ClaimMemory = ClaimMemory {
    bytes_max: 1 << 40,
    may_exceed: true,
    copies: 1,
    base_bytes: 1,
};

/// A new worker claims up to `max` deliveries at `now`, also those that are due again and
/// those of workers whose lease has lapsed. Its own lease lasts for `lease`.
///
/// # Errors
/// Those of the store.
pub async fn try_claim(
    store: &Store,
    now: Timestamp,
    lease: Duration,
    max: usize,
) -> Result<Claim, StoreError> {
    let worker = WorkerId::new();
    store.renew_worker(worker, now + lease).await?;
    for dead in store.lapsed_workers(now).await? {
        while !store.take_over(dead, now).await?.is_empty() {}
    }
    store.return_due(now).await?;
    let mut claim = Claim::default();
    for lane in store.ready_lanes().await? {
        let share = LaneShare {
            lane,
            from: i64::MIN,
            rows_max: u32::try_from(max - claim.rows()).unwrap_or(u32::MAX),
            bytes_max: MEMORY.bytes_max,
        };
        let more = store.claim_deliveries(worker, &[share], MEMORY).await?;
        claim.deliveries.extend(more.deliveries);
        claim.unreadable.extend(more.unreadable);
    }
    Ok(claim)
}

/// Like [`try_claim`]; the deliveries.
///
/// # Panics
/// If the claim fails.
pub async fn claim_deliveries(
    store: &Store,
    now: Timestamp,
    lease: Duration,
    max: usize,
) -> Vec<ClaimedDelivery> {
    match try_claim(store, now, lease, max).await {
        Ok(claim) => claim.deliveries,
        Err(error) => panic!("could not claim: {error}"),
    }
}
