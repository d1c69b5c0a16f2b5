//! The lanes that have work, served in turn, and where each of them is read from.
//!
//! A claim of a lane begins where its first delivery was a while ago. What is before that
//! place has ended, or it was committed late: so from time to time a claim begins at the
//! very start.

use super::in_flight::{InFlight, Room};
use crate::domain::Lane;
use crate::store::{LaneClaim, LaneShare, Returned};
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// Lanes in one claim.
const LANES_MAX: usize = 32;
/// Lanes whose place is remembered.
const PLACES_MAX: usize = 10_000;
/// A transaction that takes its position and commits later than this is found by a claim
/// from the start.
const LAG: Duration = Duration::from_secs(5);
/// The time between two claims from the start.
const FROM_START: Duration = Duration::from_secs(60);

/// The lanes that have work.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    turn: VecDeque<Lane>,
    /// The lanes of `turn`.
    active: HashSet<Lane>,
    places: HashMap<Lane, Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    from: i64,
    /// The first position of a claim, and when that was.
    seen: Option<(Instant, i64)>,
    from_start_at: Instant,
    /// A look from the start has found work.
    is_ready: bool,
}

impl Lanes {
    /// Adds lanes that may have work.
    pub(super) fn add(&mut self, lanes: impl IntoIterator<Item = Lane>) {
        for lane in lanes {
            if self.active.insert(lane) {
                self.turn.push_back(lane);
            }
        }
    }

    /// Deliveries are back in their lanes, perhaps before the place that is read from.
    pub(super) fn rewind(&mut self, returned: &[Returned]) {
        for returned in returned {
            if let Some(place) = self.places.get_mut(&returned.lane) {
                place.from = place.from.min(returned.position);
                place.seen = None;
            }
        }
        self.add(returned.iter().map(|returned| returned.lane));
    }

    /// Every lane is read from the start.
    pub(super) fn rewind_all(&mut self) {
        self.places.clear();
    }

    /// Adds lanes in which a look from the start has found work.
    pub(super) fn add_ready(&mut self, lanes: Vec<Lane>) {
        for lane in &lanes {
            if let Some(place) = self.places.get_mut(lane) {
                place.is_ready = true;
            }
        }
        self.add(lanes);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.turn.is_empty()
    }

    /// The shares of the next claim: of the lanes whose turn it is and that have room.
    pub(super) fn plan(&mut self, in_flight: &InFlight, now: Instant) -> Vec<LaneShare> {
        let Room { rows, .. } = in_flight.room();
        let lanes = self.turn.len().min(LANES_MAX);
        let mut left = rows;
        let mut shares = Vec::with_capacity(lanes);
        for _ in 0..self.turn.len() {
            if shares.len() == LANES_MAX || left == 0 {
                break;
            }
            let Some(lane) = self.turn.pop_front() else {
                break;
            };
            self.turn.push_back(lane);
            let room = in_flight.share(lane);
            let even = rows.div_ceil(lanes as u64);
            let rows_max = room.rows.min(even).min(left);
            if rows_max == 0 || (room.bytes == 0 && !room.is_idle) {
                continue;
            }
            left -= rows_max;
            shares.push(LaneShare {
                lane,
                from: self.from(lane, now),
                rows_max: u32::try_from(rows_max).unwrap_or(u32::MAX),
                bytes_max: room.bytes,
            });
        }
        shares
    }

    fn from(&mut self, lane: Lane, now: Instant) -> i64 {
        if self.places.len() >= PLACES_MAX && !self.places.contains_key(&lane) {
            self.places.retain(|lane, _| self.active.contains(lane));
        }
        let place = self.places.entry(lane).or_insert(Place {
            from: i64::MIN,
            seen: None,
            from_start_at: now + FROM_START,
            is_ready: false,
        });
        if now >= place.from_start_at {
            place.from_start_at = now + FROM_START;
            place.seen = None;
            return i64::MIN;
        }
        if let Some((at, first)) = place.seen
            && now.duration_since(at) >= LAG
        {
            place.from = first;
            place.seen = None;
        }
        place.from
    }

    /// Takes in what a claim of `share` has found. A lane that had less than its share, and
    /// was not limited by bytes, is empty.
    pub(super) fn claimed(&mut self, share: &LaneShare, found: Option<&LaneClaim>, now: Instant) {
        if let Some(place) = self.places.get_mut(&share.lane) {
            match found {
                Some(found) => drop(place.seen.get_or_insert((now, found.first))),
                // What was found must be before the place.
                None if place.is_ready && share.from > i64::MIN => {
                    place.from = i64::MIN;
                    place.seen = None;
                    place.is_ready = false;
                    return;
                }
                None => {}
            }
            place.is_ready = false;
        }
        let is_empty =
            found.is_none_or(|found| found.ready < share.rows_max && found.rows == found.ready);
        if is_empty && self.active.remove(&share.lane) {
            self.turn.retain(|lane| *lane != share.lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DeliveryId;

    fn lane(org: &str) -> Lane {
        Lane::of_org(&org.parse().unwrap())
    }

    fn found(first: i64, rows: u32) -> LaneClaim {
        LaneClaim {
            first,
            rows,
            ready: rows,
        }
    }

    #[tokio::test]
    async fn lanes_share_the_room_and_an_empty_one_leaves() {
        let in_flight = InFlight::new(10, 1 << 30);
        let mut lanes = Lanes::default();
        let now = Instant::now();
        lanes.add([lane("a"), lane("b"), lane("a")]);
        let shares = lanes.plan(&in_flight, now);
        let planned: Vec<_> = shares
            .iter()
            .map(|share| (share.lane, share.rows_max))
            .collect();
        assert_eq!(planned, [(lane("a"), 5), (lane("b"), 5)]);
        lanes.claimed(&shares[0], Some(&found(1, 5)), now);
        lanes.claimed(&shares[1], Some(&found(2, 3)), now);
        let again = lanes.plan(&in_flight, now);
        assert_eq!(
            again.iter().map(|share| share.lane).collect::<Vec<_>>(),
            [lane("a")]
        );
        lanes.claimed(&again[0], None, now);
        assert!(lanes.is_empty());
    }

    #[tokio::test]
    async fn a_lane_that_holds_its_share_waits_and_others_go_on() {
        let in_flight = InFlight::new(10, 1 << 30);
        let mut lanes = Lanes::default();
        let _held: Vec<_> = (0..8)
            .map(|_| in_flight.hold(DeliveryId::new(), lane("a"), 0))
            .collect();
        lanes.add([lane("a"), lane("b")]);
        let shares = lanes.plan(&in_flight, Instant::now());
        assert_eq!(
            shares.iter().map(|share| share.lane).collect::<Vec<_>>(),
            [lane("b")]
        );
        assert!(!lanes.is_empty(), "the other one is not forgotten");
    }

    #[tokio::test]
    async fn a_lane_is_read_from_where_it_was_and_sometimes_from_the_start() {
        let in_flight = InFlight::new(10, 1 << 30);
        let mut lanes = Lanes::default();
        let start = Instant::now();
        let from = |lanes: &mut Lanes, after: Duration, first: i64| {
            lanes.add([lane("a")]);
            let share = lanes.plan(&in_flight, start + after)[0];
            lanes.claimed(&share, Some(&found(first, share.rows_max)), start + after);
            share.from
        };
        let seconds = Duration::from_secs;
        assert_eq!(from(&mut lanes, seconds(0), 10), i64::MIN);
        assert_eq!(from(&mut lanes, seconds(1), 20), i64::MIN, "too soon");
        assert_eq!(from(&mut lanes, seconds(5), 30), 10);
        assert_eq!(from(&mut lanes, seconds(11), 40), 30);
        assert_eq!(from(&mut lanes, seconds(60), 50), i64::MIN);
        assert_eq!(from(&mut lanes, seconds(61), 60), 30);
        let place = lanes.places[&lane("a")].from;
        assert!(place > i64::MIN);
        lanes.add_ready(vec![lane("a")]);
        let share = lanes.plan(&in_flight, start + seconds(61))[0];
        lanes.claimed(&share, None, start + seconds(61));
        assert!(!lanes.is_empty(), "it is read once more");
        assert_eq!(lanes.places[&lane("a")].from, i64::MIN, "from the start");
        lanes.places.get_mut(&lane("a")).unwrap().from = place;
        lanes.rewind(&[Returned {
            lane: lane("a"),
            position: 7,
        }]);
        assert_eq!(from(&mut lanes, seconds(62), 7), 7);
    }
}
