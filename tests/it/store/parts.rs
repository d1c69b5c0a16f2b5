//! Settlements that are too large for one transaction, and facts that are stored once.

use super::{T0, completed, decided, org, packed};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use triggerhouse::domain::delivery::Disposition;
use triggerhouse::domain::event::{DecidedEvent, Decision, ParsedEvent, SkipReason};
use triggerhouse::domain::{AutomationId, DeliveryId, TriggerId};
use triggerhouse::store::{EventFilter, PageRequest, Settlement, Store};
use triggerhouse_tests::{TestDb, claim_deliveries, on_both};

const LEASE: Duration = Duration::from_secs(60);
const ALL: PageRequest = PageRequest {
    limit: 1_000,
    before: None,
};

async fn claimed(store: &Store) -> DeliveryId {
    store
        .receive(&[packed(TriggerId::new(), None)])
        .await
        .unwrap();
    claim_deliveries(store, T0, LEASE, 1).await[0].id
}

/// One decision for each event and trigger. The first trigger wants every event.
fn decisions(events: usize, triggers: &[TriggerId]) -> Vec<DecidedEvent> {
    let mut decisions = Vec::new();
    for number in 0..events {
        let event = Arc::new(ParsedEvent {
            facts: format!(r#"{{"number":{number}}}"#),
            ..(*decided(triggers[0], &format!("k{number}"), true).event).clone()
        });
        decisions.extend(
            triggers
                .iter()
                .enumerate()
                .map(|(place, trigger)| DecidedEvent {
                    org: org(),
                    trigger: *trigger,
                    automation: AutomationId(trigger.0),
                    event: Arc::clone(&event),
                    decision: if place == 0 {
                        Decision::Run
                    } else {
                        Decision::Skip {
                            reason: SkipReason::FilterMismatch,
                            detail: Some(format!("by {place}")),
                        }
                    },
                }),
        );
    }
    decisions
}

/// The number of events of each key and status.
async fn counts(store: &Store) -> BTreeMap<(String, String), usize> {
    let events = store
        .list_events(&org(), &EventFilter::default(), ALL)
        .await;
    let mut counts = BTreeMap::new();
    for event in events.unwrap().items {
        let number = event.dedup_key.trim_start_matches('k');
        assert_eq!(event.facts.get(), format!(r#"{{"number":{number}}}"#));
        let key = (event.dedup_key, event.status.to_string());
        *counts.entry(key).or_default() += 1;
    }
    counts
}

fn expected(events: usize, skips: usize) -> BTreeMap<(String, String), usize> {
    let keys = (0..events).map(|number| format!("k{number}"));
    keys.flat_map(|key| {
        let run = ((key.clone(), "queued".to_owned()), 1);
        [run, ((key, "skipped".to_owned()), skips)]
    })
    .collect()
}

async fn completed_deliveries(db: &TestDb) -> i64 {
    db.number("select count(*) from inbox where processed_at is not null")
        .await
}

on_both! {
    async fn skips_of_one_event_share_its_facts_and_show_them(db: &TestDb) {
        let store = db.store().await;
        let triggers: Vec<_> = (0..4).map(|_| TriggerId::new()).collect();
        let id = claimed(&store).await;
        let settled = store.settle(&[completed(id, 1, decisions(2, &triggers))], T0).await.unwrap();
        assert_eq!((settled.events, settled.runs), (8, 2));
        assert_eq!(counts(&store).await, expected(2, 3));
        assert_eq!(db.number("select count(*) from shared_facts").await, 2);
        let copies = "select count(*) from events where facts like '%number%'";
        assert_eq!(db.number(copies).await, 2, "only a run has a copy");

        // The runs are duplicates now, and the skips still have their facts.
        let again = claimed(&store).await;
        let settled = store.settle(&[completed(again, 1, decisions(2, &triggers))], T0).await.unwrap();
        assert_eq!((settled.events, settled.duplicates), (6, 2));
        assert_eq!(counts(&store).await, expected(2, 6));

        // A single skip has its facts itself.
        let alone = claimed(&store).await;
        let one = decisions(1, &triggers[..2]).pop().unwrap();
        store.settle(&[completed(alone, 1, vec![one])], T0).await.unwrap();
        assert_eq!(db.number("select count(*) from shared_facts").await, 4);
        assert_eq!(db.number(copies).await, 3);
        store.close().await;
    }

    async fn a_replay_of_a_skip_has_the_facts_that_it_shared(db: &TestDb) {
        let store = db.store().await;
        store.create_key(&org(), "test", b"hash", "hint", T0).await.unwrap();
        let mut triggers = Vec::new();
        for _ in 0..3 {
            let automation = store.create_automation(&org(), "a", true, T0).await.unwrap().id;
            triggers.push(crate::store::deletion::create(&store, automation).await);
        }
        let id = claimed(&store).await;
        let mut decisions = decisions(1, &triggers);
        for decided in &mut decisions {
            let automation = store.trigger(&org(), decided.trigger).await.unwrap().unwrap().0;
            decided.automation = automation.automation_id;
        }
        store.settle(&[completed(id, 1, decisions)], T0).await.unwrap();
        let events = store.list_events(&org(), &EventFilter::default(), ALL).await.unwrap().items;
        let skipped = events.iter().find(|event| event.skip_reason.is_some()).unwrap();
        store.replay_event(&org(), skipped, T0).await.unwrap();
        let replays = "select facts from events where replay_of is not null";
        assert_eq!(db.texts(replays).await, [r#"{"number":0}"#]);
        store.close().await;
    }

    async fn parts_of_an_attempt_that_died_are_repeated_and_nothing_doubles(db: &TestDb) {
        let store = db.store().await;
        let triggers: Vec<_> = (0..5).map(|_| TriggerId::new()).collect();
        let id = claimed(&store).await;
        let mut first = completed(id, 1, decisions(6, &triggers));
        for end in [7, 19] {
            // The answer of each part may be lost.
            for _ in 0..2 {
                let settled = store.settle_part(&first, end, T0).await.unwrap();
                assert!(settled.is_some());
            }
            first.written = end;
        }
        assert_eq!(completed_deliveries(db).await, 0);
        assert_eq!(db.number("select count(*) from events").await, 19);

        let later = T0 + LEASE * 2;
        let again = claim_deliveries(&store, later, LEASE, 1).await.remove(0);
        assert_eq!((again.id, again.attempt), (id, 2));
        assert_eq!(store.settle_part(&first, 25, later).await.unwrap(), None, "a stale claim");
        assert_eq!(db.number("select count(*) from events").await, 19);
        let mut second = completed(id, 2, decisions(6, &triggers));
        store.settle_part(&second, 11, later).await.unwrap().unwrap();
        second.written = 11;
        let settled = store.settle(&[second], later).await.unwrap();
        assert_eq!(settled.deliveries.len(), 1);
        assert_eq!(counts(&store).await, expected(6, 4));
        assert_eq!(db.number("select count(*) from runs").await, 6);
        assert_eq!(db.number("select count(*) from outbox").await, 6);
        assert_eq!(completed_deliveries(db).await, 1);
        store.close().await;
    }

    async fn a_whole_settlement_after_parts_of_another_attempt_doubles_nothing(db: &TestDb) {
        let store = db.store().await;
        let triggers: Vec<_> = (0..3).map(|_| TriggerId::new()).collect();
        let id = claimed(&store).await;
        store.settle_part(&completed(id, 1, decisions(4, &triggers)), 8, T0).await.unwrap();
        let later = T0 + LEASE * 2;
        claim_deliveries(&store, later, LEASE, 1).await;
        store.settle(&[completed(id, 2, decisions(4, &triggers))], later).await.unwrap();
        assert_eq!(counts(&store).await, expected(4, 2));
        store.close().await;
    }

    async fn a_delivery_that_a_person_retries_is_skipped_visibly_again(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let id = claimed(&store).await;
        for attempt in [2, 3] {
            let claim = format!("update inbox_queue set status = 'processing', attempt = {attempt}");
            db.execute(&claim).await;
            let settlement = Settlement {
                retry_since: Some(T0 + Duration::from_secs(60) * u32::try_from(attempt).unwrap()),
                disposition: Disposition::Retry { at: T0, error: "later".into() },
                ..completed(id, attempt, vec![decided(trigger, "k", false)])
            };
            for events in [1, 0] {
                db.execute(&claim).await;
                assert_eq!(store.settle(std::slice::from_ref(&settlement), T0).await.unwrap().events, events);
            }
        }
        store.close().await;
    }
}
