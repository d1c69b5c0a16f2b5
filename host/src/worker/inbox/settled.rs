//! One settlement, or one part of one, written with patience.

use super::context::InboxContext;
use crate::clock;
use crate::store::{Settled, Settlement, StoreError};
use crate::worker::patience::{BATCH_TRIES_MAX, WRITE_TRIES_MAX, tried};

/// Writes settlements in one transaction.
pub(super) async fn write(
    context: &InboxContext,
    settlements: &[Settlement],
) -> Result<(), StoreError> {
    let tries_max = match settlements.len() {
        1 => WRITE_TRIES_MAX,
        _ => BATCH_TRIES_MAX,
    };
    let settle = || context.store.settle(settlements, clock::now());
    let settled = tried(&context.store, tries_max, settle).await?;
    report(&settled, settlements.len());
    Ok(())
}

/// Writes the events up to `end`; false if the claim no longer holds.
pub(super) async fn write_part(
    context: &InboxContext,
    settlement: &Settlement,
    end: usize,
) -> Result<bool, StoreError> {
    let settle = || context.store.settle_part(settlement, end, clock::now());
    let settled = tried(&context.store, BATCH_TRIES_MAX, settle).await?;
    let is_held = settled.is_some();
    report(&settled.unwrap_or_default(), 1);
    Ok(is_held)
}

/// Writes a settlement of any size, part by part.
pub(super) async fn write_whole(
    context: &InboxContext,
    settlement: &mut Settlement,
) -> Result<(), StoreError> {
    let limits = context.settle_limits();
    loop {
        let end = limits.part_end(&settlement.events, settlement.written);
        if end == settlement.events.len() {
            return write(context, std::slice::from_ref(settlement)).await;
        }
        if !write_part(context, settlement, end).await? {
            return Ok(());
        }
        settlement.written = end;
    }
}

/// True if the database answers other calls.
pub(super) async fn answers(context: &InboxContext) -> bool {
    context.store.ping().await.is_ok()
}

pub(super) fn log_unavailable(error: &StoreError, deliveries: usize) {
    tracing::error!(%error, deliveries, "could not settle; the deliveries return to their lanes");
}

fn report(settled: &Settled, deliveries: usize) {
    tracing::debug!(
        deliveries = settled.deliveries.len(),
        lost = deliveries - settled.deliveries.len(),
        events = settled.events,
        runs = settled.runs,
        duplicates = settled.duplicates,
        "settled"
    );
}
