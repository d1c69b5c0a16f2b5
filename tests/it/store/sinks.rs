use super::outbox::messages;
use super::{T0, org};
use std::collections::HashSet;
use std::time::Duration;
use triggerhouse::domain::sink::{Circuit, CircuitRule, SinkAddress, SinkHealth};
use triggerhouse::domain::{OutboxStatus, SinkId, Timestamp};
use triggerhouse::store::{
    Dispatch, NewSink, PageRequest, SinkNews, SinkPatch, Store, StoreError, UndeliveredChange,
};
use triggerhouse_tests::{TestDb, on_both};

const LEASE: Duration = Duration::from_secs(60);
const FIRST: PageRequest = PageRequest {
    limit: 10,
    before: None,
};
const PAUSE: Duration = Duration::from_secs(30);
const RULE: CircuitRule = CircuitRule {
    failures: 2,
    pause: PAUSE,
};

/// A store with `count` messages, and the sink that gets them.
async fn with_sink(db: &TestDb, count: usize) -> (Store, SinkId) {
    let store = db.store().await;
    store
        .create_key(&org(), "test", b"hash", "hint", T0)
        .await
        .unwrap();
    messages(&store, count).await;
    let new = NewSink {
        id: SinkId::new(),
        address: SinkAddress::Redis {
            stream: "runs".into(),
        },
        secret: None,
    };
    store.create_sink(&org(), &new, T0).await.unwrap();
    (store, new.id)
}

async fn claim(store: &Store, sink: SinkId, now: Timestamp, max: u32) -> Option<Dispatch> {
    let claimed = store.claim_dispatch(sink, now, LEASE, max, 20).await;
    claimed.unwrap()
}

async fn is_due(store: &Store, now: Timestamp) -> bool {
    let sinks = store.enabled_sinks().await.unwrap();
    let open = sinks
        .iter()
        .filter(|sink| sink.open_until.is_none_or(|until| until <= now));
    let orgs: Vec<_> = open.map(|sink| sink.org.clone()).collect();
    !store
        .organizations_due(&orgs, now)
        .await
        .unwrap()
        .is_empty()
}

fn failure() -> SinkNews {
    SinkNews::Failure {
        error: "no".into(),
        pause: None,
        rule: RULE,
    }
}

async fn health(store: &Store, sink: SinkId, now: Timestamp) -> SinkHealth {
    store.sink(&org(), sink, now).await.unwrap().unwrap().health
}

on_both! {
    async fn claims_of_a_sink_share_no_message_and_leave_none_to_pull(db: &TestDb) {
        let (store, sink) = with_sink(db, 7).await;
        assert!(store.claim_messages(&org(), T0, LEASE, 10, 20).await.unwrap().is_empty());
        let claims = (0..4).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { claim(&store, sink, T0, 3).await })
        });
        let mut ids = Vec::new();
        for claim in claims.collect::<Vec<_>>() {
            ids.extend(claim.await.unwrap().into_iter().flat_map(|one| one.messages).map(|message| message.id));
        }
        assert_eq!((ids.len(), ids.iter().collect::<HashSet<_>>().len()), (7, 7));
        assert!(!is_due(&store, T0).await);
        assert!(is_due(&store, T0 + LEASE).await, "a dispatcher that died has lost nothing");
    }

    async fn a_consumer_that_claims_beside_a_sink_hides_no_message(db: &TestDb) {
        let (store, sink) = with_sink(db, 3).await;
        assert_eq!(claim(&store, sink, T0, 1).await.unwrap().messages.len(), 1);
        for second in 0..10 {
            let now = T0 + Duration::from_secs(second);
            assert!(store.claim_messages(&org(), now, LEASE, 10, 20).await.unwrap().is_empty());
        }
        assert!(is_due(&store, T0 + Duration::from_secs(10)).await);
        let rest = claim(&store, sink, T0 + Duration::from_secs(10), 10).await.unwrap();
        assert_eq!(rest.messages.len(), 2);
    }

    async fn an_open_circuit_is_tried_by_one_message_of_one_dispatcher(db: &TestDb) {
        let (store, sink) = with_sink(db, 5).await;
        let first = claim(&store, sink, T0, 2).await.unwrap();
        assert!(!first.target.is_probe);
        assert_eq!(store.note_sink(&first.target, &failure(), T0).await.unwrap(), None);
        let open_until = T0 + PAUSE;
        assert_eq!(store.note_sink(&first.target, &failure(), T0).await.unwrap(), Some(open_until));
        assert_eq!(health(&store, sink, T0).await.circuit, Circuit::Open);
        let before = open_until - Duration::from_micros(1);
        assert!(!is_due(&store, before).await && claim(&store, sink, before, 5).await.is_none());

        assert!(is_due(&store, open_until).await);
        let probe = claim(&store, sink, open_until, 5).await.unwrap();
        assert_eq!((probe.messages.len(), probe.target.is_probe), (1, true));
        assert!(!is_due(&store, open_until).await && claim(&store, sink, open_until, 5).await.is_none());
        // The dispatcher died. Another one tries after its lease.
        let later = open_until + LEASE;
        let again = claim(&store, sink, later, 5).await.unwrap();
        assert_eq!((again.messages.len(), again.target.is_probe), (1, true));
        let until = store.note_sink(&again.target, &failure(), later).await.unwrap();
        assert_eq!(until, Some(later + PAUSE), "its own hold is over with it");
        let last = claim(&store, sink, later + PAUSE, 5).await.unwrap();
        store.note_sink(&last.target, &SinkNews::Success, later + PAUSE).await.unwrap();
        let seen = health(&store, sink, later + PAUSE).await;
        assert_eq!((seen.circuit, seen.failures, seen.last_success_at), (Circuit::Closed, 0, Some(later + PAUSE)));
    }

    async fn a_success_under_way_does_not_end_a_pause_that_the_endpoint_asked_for(db: &TestDb) {
        let (store, sink) = with_sink(db, 3).await;
        let under_way = claim(&store, sink, T0, 2).await.unwrap();
        let busy = SinkNews::Failure { error: "busy".into(), pause: Some(PAUSE), rule: RULE };
        let until = store.note_sink(&under_way.target, &busy, T0).await.unwrap();
        assert_eq!(until, Some(T0 + PAUSE));
        store.note_sink(&under_way.target, &SinkNews::Success, T0).await.unwrap();
        let seen = health(&store, sink, T0).await;
        assert_eq!((seen.circuit, seen.failures), (Circuit::Open, 0));
        assert!(claim(&store, sink, T0, 1).await.is_none());
        // A success after the pause closes the circuit.
        store.note_sink(&under_way.target, &SinkNews::Success, T0 + PAUSE).await.unwrap();
        assert_eq!(health(&store, sink, T0 + PAUSE).await.circuit, Circuit::Closed);
    }

    async fn without_waiting_messages_a_circuit_counts_as_open_only_during_its_pause(db: &TestDb) {
        let (store, sink) = with_sink(db, 1).await;
        let sent = claim(&store, sink, T0, 1).await.unwrap();
        let busy = SinkNews::Failure { error: "busy".into(), pause: Some(PAUSE), rule: RULE };
        store.note_sink(&sent.target, &busy, T0).await.unwrap();
        let open = async |now| store.backlog(now).await.unwrap().sinks_open;
        assert_eq!(open(T0).await, 1);
        let later = T0 + PAUSE;
        assert_eq!(open(later).await, 0, "its message is held");
        let message = &sent.messages[0];
        store.nack_message(&org(), message.id, message.lease_token, Some(later), None, later).await.unwrap();
        assert_eq!(open(later).await, 1, "something waits for it");
        let oldest = store.backlog(later).await.unwrap().outbox.oldest;
        assert!(oldest.is_some());
        assert_eq!(store.backlog(T0).await.unwrap().outbox.oldest, oldest, "nobody holds it");
        claim(&store, sink, later, 1).await.unwrap();
        assert_eq!(store.backlog(later).await.unwrap().outbox.oldest, None, "somebody does");
        assert_eq!(store.backlog(later + LEASE).await.unwrap().outbox.oldest, oldest, "nobody any more");
    }

    async fn a_probe_of_an_exhausted_message_lets_the_next_one_try_at_once(db: &TestDb) {
        let (store, sink) = with_sink(db, 2).await;
        for _ in 0..RULE.failures {
            let sent = claim(&store, sink, T0, 1).await.unwrap();
            let message = &sent.messages[0];
            store.nack_message(&org(), message.id, message.lease_token, Some(T0), Some("it was full"), T0).await.unwrap();
            store.note_sink(&sent.target, &failure(), T0).await.unwrap();
        }
        let later = T0 + PAUSE;
        // The operator has lowered the limit below the attempts so far.
        let exhausted = store.claim_dispatch(sink, later, LEASE, 5, 0).await.unwrap();
        assert!(exhausted.is_none());
        let dead = store.list_messages(&org(), Some(OutboxStatus::Failed), FIRST).await.unwrap().items;
        let error = "claimed 0 times and never acknowledged; the last error: it was full";
        assert_eq!((dead.len(), dead[0].error.as_deref()), (1, Some(error)));
        let next = claim(&store, sink, later, 5).await.expect("not after the lease");
        assert_eq!((next.messages.len(), next.target.is_probe), (1, true));
    }

    async fn a_late_answer_of_an_old_url_does_not_count(db: &TestDb) {
        let (store, sink) = with_sink(db, 3).await;
        let old = claim(&store, sink, T0, 1).await.unwrap();
        let patch = SinkPatch { url: None, enabled: Some(true) };
        assert!(store.update_sink(&org(), sink, &patch, T0).await.unwrap());
        for news in [failure(), SinkNews::Gone { error: "gone".into() }, SinkNews::Success] {
            store.note_sink(&old.target, &news, T0).await.unwrap();
        }
        let seen = store.sink(&org(), sink, T0).await.unwrap().unwrap();
        assert!(seen.enabled);
        assert_eq!((seen.health.failures, seen.health.last_error, seen.health.last_success_at), (0, None, None));
    }

    async fn a_released_message_had_no_attempt_and_a_retried_one_starts_from_zero(db: &TestDb) {
        let (store, sink) = with_sink(db, 1).await;
        for attempt in 1..=5 {
            let message = claim(&store, sink, T0, 1).await.unwrap().messages.remove(0);
            assert_eq!((message.attempt, message.counted), (attempt, 1));
            store.give_back_message(&org(), &message, Duration::ZERO, "no", T0).await.unwrap();
        }
        let message = claim(&store, sink, T0, 1).await.unwrap().messages.remove(0);
        store.nack_message(&org(), message.id, message.lease_token, None, Some("dead"), T0).await.unwrap();
        assert!(claim(&store, sink, T0 + LEASE, 1).await.is_none());
        store.change_undelivered(&org(), message.id, UndeliveredChange::Retry, "somebody", T0).await.unwrap();
        let again = claim(&store, sink, T0, 1).await.unwrap().messages.remove(0);
        assert_eq!((again.id, again.attempt, again.counted), (message.id, 7, 1));
        let late = store.give_back_message(&org(), &message, Duration::ZERO, "late", T0).await.unwrap();
        assert_ne!(late, triggerhouse::domain::outbox::LeaseOutcome::Done(OutboxStatus::Pending));
    }

    async fn a_dead_letter_without_a_run_can_only_be_discarded(db: &TestDb) {
        let (store, sink) = with_sink(db, 1).await;
        let message = claim(&store, sink, T0, 1).await.unwrap().messages.remove(0);
        store.nack_message(&org(), message.id, message.lease_token, None, Some("dead"), T0).await.unwrap();
        // The state of a database that was restored from two backups.
        db.execute("delete from runs").await;
        let change = async |change| {
            let changed = store.change_undelivered(&org(), message.id, change, "somebody", T0).await;
            format!("{:?}", changed.unwrap())
        };
        assert_eq!(change(UndeliveredChange::Retry).await, "NotFound");
        assert!(change(UndeliveredChange::Discard).await.starts_with("Done"));
    }

    async fn of_two_concurrent_creations_of_a_sink_one_succeeds(db: &TestDb) {
        let store = db.store().await;
        store.create_key(&org(), "test", b"hash", "hint", T0).await.unwrap();
        let creations = (0..8).map(|number| {
            let store = store.clone();
            let address = SinkAddress::Redis { stream: format!("s{number}") };
            let new = NewSink { id: SinkId::new(), address, secret: None };
            tokio::spawn(async move { store.create_sink(&org(), &new, T0).await })
        });
        let mut created = 0;
        for creation in creations.collect::<Vec<_>>() {
            match creation.await.unwrap() {
                Ok(()) => created += 1,
                Err(error) => assert!(matches!(error, StoreError::Taken { .. }), "{error}"),
            }
        }
        assert_eq!(created, 1);
    }
}
