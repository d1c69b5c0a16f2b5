//! The deliveries that this process holds, and the room for more: in rows and in bytes,
//! shared among lanes.
//!
//! A lane may use a multiple of what is free, so a lone lane fills most of the room, and a
//! part always stays free for a lane that has nothing yet.

use crate::domain::{DeliveryId, Lane};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// A lane may hold this many times as much as is free.
const SHARE: u64 = 4;

/// The bytes of memory that a delivery takes: its body as it arrived, the copy in the
/// guest and what the guest makes of it, and a part that does not depend on it.
pub(super) const COPIES: i64 = 4;
pub(super) const BASE_BYTES: i64 = 64 * 1024;

/// The memory for a delivery with a body of this length.
pub(super) fn memory(body: usize) -> u64 {
    let (copies, base) = (COPIES as u64, BASE_BYTES as u64);
    (body as u64).saturating_mul(copies).saturating_add(base)
}

/// The deliveries that this process holds.
#[derive(Debug)]
pub(super) struct InFlight {
    state: Mutex<State>,
    rows_max: u64,
    bytes_max: u64,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    ids: HashSet<DeliveryId>,
    bytes: u64,
    lanes: HashMap<Lane, Use>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Use {
    rows: u64,
    bytes: u64,
}

/// The room for more deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// True if nothing is held: then even a body that is larger than all the room fits.
    pub(super) is_idle: bool,
}

impl InFlight {
    pub(super) fn new(rows_max: usize, bytes_max: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            rows_max: rows_max as u64,
            bytes_max: bytes_max as u64,
            freed: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No change can be left half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The room for all lanes together.
    pub(super) fn room(&self) -> Room {
        let state = self.state();
        let rows = state.ids.len() as u64;
        Room {
            rows: self.rows_max.saturating_sub(rows),
            bytes: self.bytes_max.saturating_sub(state.bytes),
            is_idle: rows == 0,
        }
    }

    /// The room for one lane.
    pub(super) fn share(&self, lane: Lane) -> Room {
        let room = self.room();
        let held = self.state().lanes.get(&lane).copied().unwrap_or_default();
        Room {
            rows: share(held.rows, room.rows, 1),
            bytes: share(held.bytes, room.bytes, BASE_BYTES as u64),
            ..room
        }
    }

    /// The ids of everything that is held.
    pub(super) fn ids(&self) -> Vec<DeliveryId> {
        self.state().ids.iter().copied().collect()
    }

    /// Holds a delivery until both parts of the result are dropped.
    pub(super) fn hold(
        self: &Arc<Self>,
        id: DeliveryId,
        lane: Lane,
        body: usize,
    ) -> (HeldRow, HeldBody) {
        let bytes = memory(body);
        let mut state = self.state();
        state.ids.insert(id);
        state.bytes += bytes;
        let held = state.lanes.entry(lane).or_default();
        held.rows += 1;
        held.bytes += bytes;
        drop(state);
        let of = Arc::clone(self);
        let row = HeldRow {
            of: Arc::clone(&of),
            id,
            lane,
        };
        (row, HeldBody { of, lane, bytes })
    }

    /// Waits until half of the rows are free, but no longer than `max`: many small claims
    /// cost the database more than one large one.
    pub(super) async fn gather(&self, max: Duration) {
        let half_free = async {
            while self.room().rows < self.rows_max / 2 {
                self.freed.notified().await;
            }
        };
        let _ = timeout(max, half_free).await;
    }

    /// Returns once something was released since the last call.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// Returns once nothing is held.
    pub(super) async fn empty(&self) {
        while !self.room().is_idle {
            self.freed.notified().await;
        }
    }

    fn release(&self, lane: Lane, row: Option<DeliveryId>, bytes: u64) {
        let mut state = self.state();
        state.bytes -= bytes;
        if let Some(id) = row {
            state.ids.remove(&id);
        }
        if let Some(held) = state.lanes.get_mut(&lane) {
            held.rows -= u64::from(row.is_some());
            held.bytes -= bytes;
            if held.rows == 0 && held.bytes == 0 {
                state.lanes.remove(&lane);
            }
        }
        drop(state);
        // Also reaches a claimer that is only about to wait.
        self.freed.notify_one();
    }
}

/// The part of `free` that a lane may take which holds `held`: it stops where the lane holds
/// `SHARE` times as much as is left. A lane that holds nothing gets `least` if that is free.
fn share(held: u64, free: u64, least: u64) -> u64 {
    let more = (SHARE * free).saturating_sub(held) / (SHARE + 1);
    match held {
        0 => more.max(least.min(free)),
        _ => more,
    }
}

/// A delivery that is not yet settled.
#[derive(Debug)]
pub(super) struct HeldRow {
    of: Arc<InFlight>,
    id: DeliveryId,
    lane: Lane,
}

impl Drop for HeldRow {
    fn drop(&mut self) {
        self.of.release(self.lane, Some(self.id), 0);
    }
}

/// A body that is not yet processed.
#[derive(Debug)]
pub(super) struct HeldBody {
    of: Arc<InFlight>,
    lane: Lane,
    bytes: u64,
}

impl Drop for HeldBody {
    fn drop(&mut self) {
        self.of.release(self.lane, None, self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(org: &str) -> Lane {
        Lane::of_org(&org.parse().unwrap())
    }

    #[tokio::test]
    async fn a_lone_lane_leaves_room_for_others() {
        let in_flight = InFlight::new(100, 1 << 30);
        let (acme, other) = (lane("acme"), lane("other"));
        let mut held = Vec::new();
        while in_flight.share(acme).rows > 0 {
            held.push(in_flight.hold(DeliveryId::new(), acme, 0));
        }
        assert_eq!(held.len(), 80, "four parts of five");
        assert_eq!(in_flight.share(other).rows, 16);
        let (row, body) = held.remove(0);
        drop(body);
        assert_eq!(in_flight.room().rows, 20, "processed and not settled");
        drop(row);
        in_flight.freed().await;
        assert_eq!(in_flight.room().rows, 21);
        held.clear();
        in_flight.empty().await;
        assert!(in_flight.state().lanes.is_empty());
    }

    #[test]
    fn large_bodies_use_up_their_lanes_bytes_and_not_its_rows() {
        let in_flight = InFlight::new(100, 1 << 20);
        let acme = lane("acme");
        assert!(in_flight.room().is_idle);
        let _large = in_flight.hold(DeliveryId::new(), acme, 1 << 18);
        assert_eq!(
            in_flight.room(),
            Room {
                rows: 99,
                bytes: 0,
                is_idle: false
            }
        );
        assert_eq!(in_flight.share(acme).bytes, 0);
        assert!(in_flight.share(acme).rows > 0);
    }
}
