//! Claims by lanes, memory and workers.

use super::{T0, completed, decided, delivery, org, packed};
use std::collections::HashMap;
use std::time::Duration;
use triggerhouse::domain::delivery::{ClaimedDelivery, Disposition};
use triggerhouse::domain::{DeliveryId, Lane, OrgId, TriggerId, WorkerId};
use triggerhouse::store::{ClaimMemory, LaneShare, PackedDelivery, Settlement, Store};
use triggerhouse_tests::claims::MEMORY;
use triggerhouse_tests::{claim_deliveries, on_both};

const LEASE: Duration = Duration::from_secs(60);

fn of(org: &str, body: usize) -> PackedDelivery {
    let org: OrgId = org.parse().unwrap();
    let mut delivery = delivery(TriggerId::new(), None, &vec![b'x'; body]);
    delivery.lane = Lane::of_org(&org);
    delivery.origin.org = Some(org);
    PackedDelivery::new(delivery)
}

fn lane(org: &str) -> Lane {
    Lane::of_org(&org.parse().unwrap())
}

fn share(org: &str, rows_max: u32, bytes_max: u64) -> LaneShare {
    LaneShare {
        lane: lane(org),
        from: i64::MIN,
        rows_max,
        bytes_max,
    }
}

fn sizes(deliveries: &[ClaimedDelivery]) -> Vec<usize> {
    deliveries
        .iter()
        .map(|delivery| delivery.body.len())
        .collect()
}

async fn ids(store: &Store, worker: WorkerId, shares: &[LaneShare]) -> Vec<DeliveryId> {
    let claim = store
        .claim_deliveries(worker, shares, MEMORY)
        .await
        .unwrap();
    claim
        .deliveries
        .into_iter()
        .map(|delivery| delivery.id)
        .collect()
}

on_both! {
    async fn a_claim_takes_its_share_of_each_lane(db: &TestDb) {
        let store = db.store().await;
        let many: Vec<_> = (0..50).map(|_| of("acme", 2)).collect();
        store.receive(&many).await.unwrap();
        store.receive(&[of("other", 2)]).await.unwrap();
        let mut lanes = store.ready_lanes().await.unwrap();
        lanes.sort();
        let mut expected = vec![lane("acme"), lane("other")];
        expected.sort();
        assert_eq!(lanes, expected);
        let shares = [share("acme", 3, 1 << 30), share("other", 3, 1 << 30), share("none", 3, 1 << 30)];
        let claim = store.claim_deliveries(WorkerId::new(), &shares, MEMORY).await.unwrap();
        let found: HashMap<_, _> = claim.lanes.iter().map(|(lane, found)| (*lane, (found.rows, found.ready))).collect();
        assert_eq!(found, HashMap::from([(lane("acme"), (3, 3)), (lane("other"), (1, 1))]));
        assert_eq!(claim.deliveries.len(), 4);
        let from = claim.lanes[&lane("acme")].first + 10;
        let later = LaneShare { from, ..share("acme", 1, 1 << 30) };
        let claim = store.claim_deliveries(WorkerId::new(), &[later], MEMORY).await.unwrap();
        assert_eq!(claim.lanes[&lane("acme")].first, from, "it reads from where it is told to");
    }

    async fn a_claim_knows_the_memory_that_it_needs(db: &TestDb) {
        let store = db.store().await;
        store.receive(&[of("acme", 1_000)]).await.unwrap();
        store.receive(&[of("acme", 5_000)]).await.unwrap();
        for _ in 0..3 {
            store.receive(&[of("other", 100)]).await.unwrap();
        }
        let all = [share("acme", 10, 1 << 30), share("other", 10, 1 << 30)];
        let memory = ClaimMemory { bytes_max: 2_000, may_exceed: false, copies: 1, base_bytes: 100 };
        let claim = store.claim_deliveries(WorkerId::new(), &all, memory).await.unwrap();
        let mut claimed = sizes(&claim.deliveries);
        claimed.sort_unstable();
        assert_eq!(claimed, [100, 100, 100, 1_000], "small ones do not wait for the large one");
        assert_eq!(claim.lanes[&lane("acme")].ready, 2);
        let claim = store.claim_deliveries(WorkerId::new(), &all, memory).await.unwrap();
        assert!(claim.deliveries.is_empty(), "it waits for room");
        let alone = ClaimMemory { may_exceed: true, ..memory };
        let claim = store.claim_deliveries(WorkerId::new(), &all, alone).await.unwrap();
        assert_eq!(sizes(&claim.deliveries), [5_000]);
    }

    async fn a_delivery_that_is_given_back_keeps_its_place(db: &TestDb) {
        let store = db.store().await;
        let batch: Vec<_> = (0..3).map(|_| packed(TriggerId::new(), None)).collect();
        for one in &batch {
            store.receive(std::slice::from_ref(one)).await.unwrap();
        }
        let worker = WorkerId::new();
        let share = share(org().as_str(), 1, 1 << 30);
        let first = ids(&store, worker, &[share]).await;
        let returned = store.give_back(&[(first[0], 1)]).await.unwrap();
        assert_eq!(returned.len(), 1);
        assert_eq!(ids(&store, worker, &[share]).await, first);
    }

    async fn a_worker_renews_one_lease_for_everything_it_holds(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        store.receive(&[packed(trigger, None), packed(trigger, None)]).await.unwrap();
        let worker = WorkerId::new();
        store.renew_worker(worker, T0 + LEASE).await.unwrap();
        let held = ids(&store, worker, &[share("acme", 10, 1 << 30)]).await;
        assert_eq!(held.len(), 2);
        store.renew_worker(worker, T0 + LEASE * 3).await.unwrap();
        assert!(claim_deliveries(&store, T0 + LEASE * 2, LEASE, 10).await.is_empty(), "it is alive");
        let settled = store.settle(&[completed(held[0], 1, vec![decided(trigger, "k", true)])], T0 + LEASE * 2).await.unwrap();
        assert_eq!(settled.runs, 1, "however long it took");
        let taken = claim_deliveries(&store, T0 + LEASE * 3, LEASE, 10).await;
        assert_eq!(taken.len(), 1, "it has died");
        assert!(taken[0].is_suspect);
        assert_eq!((taken[0].tries, taken[0].deaths), (1, 0), "nobody knows whether its work began");
    }

    async fn only_a_suspect_whose_work_began_counts_its_workers_deaths(db: &TestDb) {
        let store = db.store().await;
        let batch: Vec<_> = (0..2).map(|_| packed(TriggerId::new(), None)).collect();
        store.receive(&batch).await.unwrap();
        claim_deliveries(&store, T0, LEASE, 2).await;
        let mut now = T0 + LEASE;
        let suspects = claim_deliveries(&store, now, LEASE, 2).await;
        let culprit = suspects[0].id;
        assert!(store.begin_suspect(culprit, suspects[0].attempt).await.unwrap());
        assert!(!store.begin_suspect(culprit, 1).await.unwrap(), "an old claim begins nothing");
        now = now + LEASE;
        let again = claim_deliveries(&store, now, LEASE, 2).await;
        let deaths: HashMap<_, _> = again.iter().map(|d| (d.id, d.deaths)).collect();
        assert_eq!((deaths[&culprit], deaths[&suspects[1].id]), (1, 0));
        // A suspect that fails without killing its worker is none any more.
        let retried = again.iter().find(|d| d.id != culprit).unwrap();
        let disposition = Disposition::Retry { at: now, error: "x".into() };
        let failed = Settlement { disposition, ..completed(retried.id, retried.attempt, vec![]) };
        store.settle(&[failed], now).await.unwrap();
        let cleared = claim_deliveries(&store, now, LEASE, 1).await.remove(0);
        assert_eq!((cleared.id, cleared.is_suspect, cleared.tries), (retried.id, false, 2));
    }

    async fn a_claim_whose_answer_was_lost_is_released_by_its_own_worker(db: &TestDb) {
        let store = db.store().await;
        let batch: Vec<_> = (0..3).map(|_| packed(TriggerId::new(), None)).collect();
        store.receive(&batch).await.unwrap();
        let worker = WorkerId::new();
        store.renew_worker(worker, T0 + LEASE).await.unwrap();
        let known = ids(&store, worker, &[share("acme", 1, 1 << 30)]).await;
        let lost = ids(&store, worker, &[share("acme", 1, 1 << 30)]).await;
        let released = store.release_unknown(worker, &known).await.unwrap();
        assert_eq!(released.len(), lost.len());
        let late = store.settle(&[completed(lost[0], 1, vec![])], T0).await.unwrap();
        assert!(late.deliveries.is_empty(), "fenced");
        let settled = store.settle(&[completed(known[0], 1, vec![])], T0).await.unwrap();
        assert_eq!(settled.deliveries.len(), 1);
    }

    async fn a_worker_without_a_lease_is_found(db: &TestDb) {
        let store = db.store().await;
        store.receive(&[packed(TriggerId::new(), None)]).await.unwrap();
        let ghost = WorkerId::new();
        ids(&store, ghost, &[share("acme", 1, 1 << 30)]).await;
        assert_eq!(store.forgotten_workers().await.unwrap(), [ghost]);
        store.renew_worker(ghost, T0).await.unwrap();
        assert!(store.forgotten_workers().await.unwrap().is_empty());
        assert_eq!(claim_deliveries(&store, T0, LEASE, 1).await.len(), 1);
    }
}
