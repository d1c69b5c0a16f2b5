use super::{T0, completed, decided, org, packed};
use std::collections::HashSet;
use std::time::Duration;
use triggerhouse::domain::delivery::Disposition;
use triggerhouse::domain::{DeliveryStatus, TriggerId};
use triggerhouse::store::{DeliveryChange, DeliveryFilter, PageRequest, Settlement};
use triggerhouse_tests::{claim_deliveries, on_both};

const LEASE: Duration = Duration::from_secs(60);
const ALL: PageRequest = PageRequest {
    limit: 100,
    before: None,
};

on_both! {
    async fn two_workers_never_claim_the_same_delivery(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let batch: Vec<_> = (0..200).map(|_| packed(trigger, None)).collect();
        store.receive(&batch).await.unwrap();
        let workers = (0..8).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let claimed = claim_deliveries(&store, T0, LEASE, 7).await;
                    if claimed.is_empty() {
                        return mine;
                    }
                    mine.extend(claimed.into_iter().map(|delivery| delivery.id));
                }
            })
        });
        let mut all = Vec::new();
        for worker in workers.collect::<Vec<_>>() {
            all.extend(worker.await.unwrap());
        }
        // A worker may stop early when others lock every due row. The rest is still
        // unclaimed then.
        let distinct: HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        all.extend(claim_deliveries(&store, T0, LEASE, 200).await.into_iter().map(|d| d.id));
        assert_eq!(all.len(), 200);
    }

    async fn a_lapsed_claim_is_taken_over_and_its_worker_fenced_out(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        store.receive(&[packed(trigger, None)]).await.unwrap();
        let slow = claim_deliveries(&store, T0, LEASE, 1).await.remove(0);
        assert!(claim_deliveries(&store, T0 + LEASE - Duration::from_secs(1), LEASE, 1).await.is_empty());
        let later = T0 + LEASE;
        let quick = claim_deliveries(&store, later, LEASE, 1).await.remove(0);
        assert_eq!((slow.attempt, quick.attempt), (1, 2));

        let late = store.settle(&[completed(slow.id, slow.attempt, vec![decided(trigger, "k", true)])], later).await.unwrap();
        assert!(late.deliveries.is_empty());
        assert_eq!((late.events, late.runs), (0, 0), "a worker that comes back late changes nothing");

        let settled = store.settle(&[completed(quick.id, quick.attempt, vec![decided(trigger, "k", true)])], later).await.unwrap();
        assert_eq!((settled.deliveries.len(), settled.events, settled.runs), (1, 1, 1));
        let again = store.settle(&[completed(quick.id, quick.attempt, vec![decided(trigger, "k2", true)])], later).await.unwrap();
        assert_eq!((again.deliveries.len(), again.events), (0, 0), "a settlement counts once");
    }

    async fn a_retry_is_due_at_its_time_and_a_dead_letter_never(db: &TestDb) {
        let store = db.store().await;
        store.receive(&[packed(TriggerId::new(), None)]).await.unwrap();
        let claim = claim_deliveries(&store, T0, LEASE, 1).await.remove(0);
        let at = T0 + Duration::from_secs(5);
        let retry = |attempt, disposition| Settlement { delivery: claim.id, attempt, tries: 1, retry_since: None, disposition, owner: None, events: vec![], trace: None, written: 0 };
        store.settle(&[retry(1, Disposition::Retry { at, error: "trap".into() })], T0).await.unwrap();
        assert_eq!(store.next_delivery_due().await.unwrap(), Some(at));
        assert!(claim_deliveries(&store, T0, LEASE, 1).await.is_empty());
        let again = claim_deliveries(&store, at, LEASE, 1).await.remove(0);
        assert_eq!(again.attempt, 2);
        store.settle(&[retry(2, Disposition::Failed { error: "trap".into() })], at).await.unwrap();
        assert_eq!(store.next_delivery_due().await.unwrap(), None);
        let failed = store.list_deliveries(&org(), Some(DeliveryStatus::Failed), ALL).await.unwrap();
        assert_eq!(failed.items[0].error.as_deref(), Some("trap"));
    }

    async fn only_a_dead_letter_can_be_retried_or_discarded(db: &TestDb) {
        let store = db.store().await;
        store.receive(&[packed(TriggerId::new(), None)]).await.unwrap();
        let claim = claim_deliveries(&store, T0, LEASE, 1).await.remove(0);
        let change = async |change| store.change_delivery(&org(), claim.id, change, T0).await.unwrap();
        assert_eq!(change(DeliveryChange::Retry).await, Some((DeliveryStatus::Processing, false)));
        let failed = Settlement { delivery: claim.id, attempt: 1, tries: 1, retry_since: None, disposition: Disposition::Failed { error: "x".into() }, owner: None, events: vec![], trace: None, written: 0 };
        store.settle(std::slice::from_ref(&failed), T0).await.unwrap();
        assert_eq!(change(DeliveryChange::Retry).await, Some((DeliveryStatus::Failed, true)));
        let waiting = store.delivery(&org(), claim.id).await.unwrap().unwrap();
        assert_eq!((waiting.attempt, waiting.error, waiting.processed_at), (0, None, None), "a clean slate");
        let again = claim_deliveries(&store, T0, LEASE, 1).await.remove(0);
        assert_eq!((again.tries, again.attempt), (1, 2), "attempts start from zero, claims do not");
        let failed = Settlement { attempt: again.attempt, ..failed };
        store.settle(&[failed], T0).await.unwrap();
        assert_eq!(change(DeliveryChange::Discard).await, Some((DeliveryStatus::Failed, true)));
        assert_eq!(change(DeliveryChange::Retry).await, Some((DeliveryStatus::Discarded, false)));
        assert!(claim_deliveries(&store, T0, LEASE, 1).await.is_empty());
    }

    async fn a_bulk_retry_takes_the_oldest_dead_letters_up_to_its_limit(db: &TestDb) {
        let store = db.store().await;
        let batch: Vec<_> = (0..5).map(|_| packed(TriggerId::new(), None)).collect();
        store.receive(&batch).await.unwrap();
        let claims = claim_deliveries(&store, T0, LEASE, 4).await;
        for claim in &claims[..3] {
            let failed = Disposition::Failed { error: "x".into() };
            store.settle(&[Settlement { delivery: claim.id, attempt: 1, tries: 1, retry_since: None, disposition: failed, owner: None, trace: None, events: vec![], written: 0 }], T0).await.unwrap();
        }
        let retry = async |max| store.change_deliveries(&org(), &DeliveryFilter::default(), DeliveryChange::Retry, max, T0).await.unwrap();
        assert_eq!(retry(2).await, 2);
        let failed = store.list_deliveries(&org(), Some(DeliveryStatus::Failed), ALL).await.unwrap().items;
        assert_eq!(failed.iter().map(|d| d.id).collect::<Vec<_>>(), [claims[2].id], "the newest is left");
        assert_eq!((retry(2).await, retry(2).await), (1, 0));
        let again = claim_deliveries(&store, T0, LEASE, 10).await;
        let tries: Vec<_> = again.iter().map(|d| (d.tries, d.attempt)).collect();
        assert_eq!(tries, [(1, 1), (1, 2), (1, 2), (1, 2)], "all but the one that a worker holds");
    }

    async fn a_worker_that_stalled_during_a_manual_retry_is_fenced_out(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        store.receive(&[packed(trigger, None)]).await.unwrap();
        let stalled = claim_deliveries(&store, T0, LEASE, 1).await.remove(0);
        let later = T0 + LEASE;
        let second = claim_deliveries(&store, later, LEASE, 1).await.remove(0);
        let failed = Settlement { delivery: second.id, attempt: second.attempt, tries: 1, retry_since: None, disposition: Disposition::Failed { error: "x".into() }, owner: None, events: vec![], trace: None, written: 0 };
        store.settle(&[failed], later).await.unwrap();
        store.change_delivery(&org(), second.id, DeliveryChange::Retry, later).await.unwrap();
        let third = claim_deliveries(&store, later, LEASE, 1).await.remove(0);
        assert_eq!(third.tries, 1);

        let late = store.settle(&[completed(stalled.id, stalled.attempt, vec![decided(trigger, "k", true)])], later).await.unwrap();
        assert!(late.deliveries.is_empty(), "the first claim has no say any more");
        let settled = store.settle(&[completed(third.id, third.attempt, vec![])], later).await.unwrap();
        assert_eq!(settled.deliveries.len(), 1);
    }

    async fn a_released_claim_is_due_at_once_and_counts_as_no_attempt(db: &TestDb) {
        let store = db.store().await;
        store.receive(&[packed(TriggerId::new(), None)]).await.unwrap();
        let first = claim_deliveries(&store, T0, LEASE, 1).await.remove(0);
        assert_eq!(store.give_back(&[(first.id, first.attempt)]).await.unwrap().len(), 1);
        let second = claim_deliveries(&store, T0, LEASE, 1).await.remove(0);
        assert_eq!((second.attempt, second.tries), (2, 1));
        assert_eq!(store.give_back(&[(first.id, first.attempt)]).await.unwrap().len(), 0, "fenced");
        let late = store.settle(&[completed(first.id, first.attempt, vec![])], T0).await.unwrap();
        assert!(late.deliveries.is_empty());
    }
}
