//! The gate to guest instances: lanes enter in turn, and a lone lane leaves a part free.

use crate::domain::Lane;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// A lane may be inside this many times as often as there are places left.
const SHARE: usize = 4;

/// A number of places, for which lanes wait in turn.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    free: usize,
    inside: HashMap<Lane, usize>,
    /// Lanes with somebody waiting, in turn.
    turn: VecDeque<Lane>,
    waiting: HashMap<Lane, VecDeque<oneshot::Sender<Place>>>,
}

/// A place inside, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    gate: Arc<Gate>,
    lane: Lane,
}

impl Gate {
    pub(super) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                free: places.max(1),
                ..State::default()
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No change can be left half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place.
    pub(super) async fn enter(self: &Arc<Self>, lane: Lane) -> Place {
        loop {
            let receiver = self.queue(lane);
            self.admit();
            // The sender is dropped only with the gate, which this call holds.
            if let Ok(place) = receiver.await {
                return place;
            }
        }
    }

    fn queue(&self, lane: Lane) -> oneshot::Receiver<Place> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        let queue = state.waiting.entry(lane).or_default();
        queue.push_back(sender);
        if queue.len() == 1 {
            state.turn.push_back(lane);
        }
        receiver
    }

    /// Lets in who is next, as long as there is a place.
    fn admit(self: &Arc<Self>) {
        while let Some((sender, lane)) = self.next() {
            let place = Place {
                gate: Arc::clone(self),
                lane,
            };
            // Somebody who waits no more gives the place back here.
            drop(sender.send(place));
        }
    }

    fn next(&self) -> Option<(oneshot::Sender<Place>, Lane)> {
        let mut state = self.state();
        let mut passed_over = 0;
        while state.free > 0 && passed_over < state.turn.len() {
            let lane = state.turn.pop_front()?;
            let inside = state.inside.get(&lane).copied().unwrap_or(0);
            if inside > 0 && inside >= SHARE * state.free {
                state.turn.push_back(lane);
                passed_over += 1;
                continue;
            }
            let queue = state.waiting.get_mut(&lane)?;
            let sender = queue.pop_front();
            match queue.is_empty() {
                true => drop(state.waiting.remove(&lane)),
                false => state.turn.push_back(lane),
            }
            if let Some(sender) = sender.filter(|sender| !sender.is_closed()) {
                state.free -= 1;
                *state.inside.entry(lane).or_default() += 1;
                return Some((sender, lane));
            }
            passed_over = 0;
        }
        None
    }

    fn leave(self: &Arc<Self>, lane: Lane) {
        let mut state = self.state();
        state.free += 1;
        if let Some(inside) = state.inside.get_mut(&lane) {
            *inside -= 1;
            if *inside == 0 {
                state.inside.remove(&lane);
            }
        }
        drop(state);
        self.admit();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gate.leave(self.lane);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    fn lane(org: &str) -> Lane {
        Lane::of_org(&org.parse().unwrap())
    }

    const SOON: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_lane_with_a_long_queue_leaves_places_for_others() {
        let gate = Gate::new(10);
        let mut acme = Vec::new();
        while let Ok(place) = timeout(SOON, gate.enter(lane("acme"))).await {
            acme.push(place);
        }
        assert_eq!(acme.len(), 8);
        let other = timeout(SOON, gate.enter(lane("other"))).await.unwrap();
        let again = timeout(SOON, gate.enter(lane("acme"))).await;
        assert!(again.is_err(), "the last place is for somebody else");
        acme.pop();
        timeout(SOON, gate.enter(lane("acme"))).await.unwrap();
        drop(other);
    }

    #[tokio::test]
    async fn lanes_that_wait_enter_in_turn() {
        let gate = Gate::new(1);
        let inside = gate.enter(lane("a")).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for name in ["a", "a", "a", "b"] {
            let (gate, order) = (Arc::clone(&gate), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                let _place = gate.enter(lane(name)).await;
                order.lock().unwrap().push(name);
            }));
            tokio::task::yield_now().await;
        }
        drop(inside);
        for task in tasks {
            timeout(Duration::from_secs(5), task)
                .await
                .unwrap()
                .unwrap();
        }
        assert_eq!(
            order.lock().unwrap()[1],
            "b",
            "not behind the whole queue of the other"
        );
    }
}
