use super::{T0, completed, decided, org, packed};
use std::sync::Arc;
use std::time::Duration;
use triggerhouse::domain::event::SkipReason;
use triggerhouse::domain::{DeliveryId, EventStatus, RunStatus, TriggerId};
use triggerhouse::store::{EventFilter, EventSkip, PageRequest, RunFilter, Store, StoreError};
use triggerhouse_tests::{claim_deliveries, on_both};

const LEASE: Duration = Duration::from_secs(60);
const ALL: PageRequest = PageRequest {
    limit: 100,
    before: None,
};

/// Claims `count` fresh deliveries.
async fn claims(store: &Store, trigger: TriggerId, count: usize) -> Vec<DeliveryId> {
    let batch: Vec<_> = (0..count).map(|_| packed(trigger, None)).collect();
    store.receive(&batch).await.unwrap();
    let claimed = claim_deliveries(store, T0, LEASE, count).await;
    claimed.into_iter().map(|delivery| delivery.id).collect()
}

on_both! {
    async fn an_accepted_event_becomes_one_run_and_one_message(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let ids = claims(&store, trigger, 1).await;
        let settled = store.settle(&[completed(ids[0], 1, vec![decided(trigger, "k", true)])], T0).await.unwrap();
        assert_eq!((settled.events, settled.runs, settled.duplicates), (1, 1, 0));

        let event = store.list_events(&org(), &EventFilter::default(), ALL).await.unwrap().items.remove(0);
        assert_eq!(event.status, EventStatus::Queued);
        assert_eq!(event.delivery_id, Some(ids[0]));
        assert_eq!(event.facts.get(), r#"{"a":1}"#);
        let run = store.list_runs(&org(), RunFilter::default(), ALL).await.unwrap().items.remove(0);
        assert_eq!((run.event_id, run.status), (event.id, RunStatus::Queued));
        let messages = store.claim_messages(&org(), T0, LEASE, 10, 20).await.unwrap();
        assert_eq!(messages.len(), 1);
        let payload: serde_json::Value = serde_json::from_str(messages[0].payload.get()).unwrap();
        assert_eq!(payload["run_id"], run.id.to_string());
        assert_eq!(payload["event_id"], event.id.to_string());
    }

    async fn a_key_starts_one_run_however_often_it_arrives(db: &TestDb) {
        let store = db.store().await;
        let (trigger, other) = (TriggerId::new(), TriggerId::new());
        let ids = claims(&store, trigger, 3).await;
        let settled = store
            .settle(&[
                completed(ids[0], 1, vec![decided(trigger, "k", true), decided(other, "k", true)]),
                completed(ids[1], 1, vec![decided(trigger, "k", true)]),
            ], T0)
            .await
            .unwrap();
        assert_eq!((settled.deliveries.len(), settled.events, settled.runs, settled.duplicates), (2, 2, 2, 1));
        let settled = store.settle(&[completed(ids[2], 1, vec![decided(trigger, "k", true)])], T0).await.unwrap();
        assert_eq!((settled.deliveries.len(), settled.events, settled.duplicates), (1, 0, 1));
    }

    // One worker may claim its own lapsed delivery, and then both decisions meet in one batch.
    async fn only_the_decision_of_the_last_claim_is_written(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let id = claims(&store, trigger, 1).await[0];
        let later = T0 + LEASE * 2;
        let again = claim_deliveries(&store, later, LEASE, 1).await;
        assert_eq!((again[0].id, again[0].attempt), (id, 2));
        let stale = vec![decided(trigger, "stale", true), decided(trigger, "stale too", false)];
        let batch = [completed(id, 1, stale), completed(id, 2, vec![decided(trigger, "k", true)])];
        let settled = store.settle(&batch, later).await.unwrap();
        assert_eq!((settled.deliveries.len(), settled.events, settled.runs, settled.duplicates), (1, 1, 1, 0));
        let events = store.list_events(&org(), &EventFilter::default(), ALL).await.unwrap().items;
        assert_eq!(events.iter().map(|event| event.dedup_key.as_str()).collect::<Vec<_>>(), ["k"]);
    }

    async fn a_skipped_event_never_uses_up_its_key(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let ids = claims(&store, trigger, 3).await;
        for id in &ids[..2] {
            store.settle(&[completed(*id, 1, vec![decided(trigger, "k", false)])], T0).await.unwrap();
        }
        let settled = store.settle(&[completed(ids[2], 1, vec![decided(trigger, "k", true)])], T0).await.unwrap();
        assert_eq!(settled.runs, 1);
        let skipped = EventFilter { status: Some(EventStatus::Skipped), ..EventFilter::default() };
        let events = store.list_events(&org(), &skipped, ALL).await.unwrap().items;
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].skip_reason, Some(SkipReason::FilterMismatch));
        assert_eq!(events[0].skip_detail.as_deref(), Some("labels: none"));
    }

    async fn a_batch_is_settled_as_a_whole_or_not_at_all(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let ids = claims(&store, trigger, 2).await;
        let mut poisoned = decided(trigger, "k2", true);
        Arc::make_mut(&mut poisoned.event).kind = String::new();
        let batch = [
            completed(ids[0], 1, vec![decided(trigger, "k1", true)]),
            completed(ids[1], 1, vec![poisoned]),
        ];
        let error = store.settle(&batch, T0).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)), "{error}");
        assert!(store.list_events(&org(), &EventFilter::default(), ALL).await.unwrap().items.is_empty());
        assert!(store.claim_messages(&org(), T0, LEASE, 10, 20).await.unwrap().is_empty());

        let settled = store.settle(&batch[..1], T0).await.unwrap();
        assert_eq!(settled.runs, 1, "its neighbour settles on its own");
    }

    async fn skipping_a_queued_event_cancels_its_run_and_frees_its_key(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let ids = claims(&store, trigger, 2).await;
        store.settle(&[completed(ids[0], 1, vec![decided(trigger, "k", true)])], T0).await.unwrap();
        let event = store.list_events(&org(), &EventFilter::default(), ALL).await.unwrap().items.remove(0);
        let other = "other".parse().unwrap();
        assert_eq!(store.skip_event(&other, event.id, "key", T0).await.unwrap(), EventSkip::NotFound);
        assert_eq!(store.skip_event(&org(), event.id, "key", T0).await.unwrap(), EventSkip::Done);
        assert_eq!(store.skip_event(&org(), event.id, "key", T0).await.unwrap(), EventSkip::Refused(EventStatus::Skipped));
        let run = store.run_of_event(&org(), event.id).await.unwrap().unwrap();
        assert_eq!(run.status, RunStatus::Cancelled);
        assert_eq!(store.history(&org(), run.id.0).await.unwrap().len(), 1);
        assert!(store.claim_messages(&org(), T0, LEASE, 10, 20).await.unwrap().is_empty(), "withdrawn");
        let settled = store.settle(&[completed(ids[1], 1, vec![decided(trigger, "k", true)])], T0).await.unwrap();
        assert_eq!(settled.runs, 1, "the key is free");
    }
}
