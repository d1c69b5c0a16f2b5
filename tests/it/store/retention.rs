//! Retention: old rows are deleted, open rows stay, and keys outlive their rows.

use super::{T0, completed, decided, delivery, org, packed};
use std::time::Duration;
use triggerhouse::domain::delivery::Disposition;
use triggerhouse::domain::{DeliveryId, Timestamp, TriggerId};
use triggerhouse::store::{
    Chore, Collected, DeliveryChange, EventFilter, Horizon, PackedDelivery, PageRequest, Places,
    Settlement, Store,
};
use triggerhouse_tests::{Kind, TestDb, claim_deliveries, on_both};

const LEASE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Deliveries and events are kept for a week, keys for a month.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const ALL: PageRequest = PageRequest {
    limit: 100,
    before: None,
};

/// The limits of age at `now`.
fn horizon(what: Collected, now: Timestamp) -> Horizon {
    let keys_since = now - REMEMBERED;
    let before = match what {
        Collected::DoorKeys | Collected::EventKeys => keys_since,
        _ => now - KEPT,
    };
    Horizon { before, keys_since }
}

/// Runs passes of three rows until one is not full. Returns the number of rows.
async fn collect(store: &Store, what: Collected, now: Timestamp) -> u64 {
    let (mut rows, mut places) = (0, Places::default());
    loop {
        let passed = store
            .collect(what, horizon(what, now), 3, &mut places, now)
            .await
            .unwrap();
        assert!(passed.rows <= 6, "a pass is bounded, got {passed:?}");
        rows += passed.rows;
        if passed.seen < 3 {
            return rows;
        }
    }
}

async fn collect_all(store: &Store, now: Timestamp) -> u64 {
    let mut rows = 0;
    for what in Collected::ALL {
        rows += collect(store, *what, now).await;
    }
    rows
}

/// Receives and claims deliveries with these keys, in this order.
async fn claimed(store: &Store, trigger: TriggerId, keys: &[Option<&str>]) -> Vec<DeliveryId> {
    let batch: Vec<_> = keys.iter().map(|key| packed(trigger, *key)).collect();
    let ids = store.receive(&batch).await.unwrap();
    let held = claim_deliveries(store, T0, LEASE, keys.len()).await;
    assert_eq!(held.len(), keys.len());
    ids.into_iter().map(|stored| stored.id).collect()
}

fn failed(delivery: DeliveryId) -> Settlement {
    Settlement {
        disposition: Disposition::Failed {
            error: "broken".into(),
        },
        ..completed(delivery, 1, vec![])
    }
}

/// Writes old runs whose message is a dead letter, with their events.
async fn keep(db: &TestDb, count: u64) {
    let (numbers, id) = match db.kind {
        Kind::Sqlite => (
            format!(
                "with recursive n (n) as (select 1 union all select n + 1 from n where n < {count})"
            ),
            "cast(printf('%016d', n) as blob)",
        ),
        Kind::Postgres => (
            format!("with n (n) as (select generate_series(1, {count}))"),
            "lpad(to_hex(n), 32, '0')::uuid",
        ),
    };
    for rows in [
        format!("events (id, org_id, trigger_id, automation_id, status, kind, dedup_key, holds_key, title, facts, created_at, processed_at)
            {numbers} select {id}, 'acme', {id}, {id}, 'failed', 'k', 'k', true, 't', '{{}}', n, n from n"),
        format!("runs (id, org_id, automation_id, event_id, trigger_id, status, attempt, created_at, completed_at)
            {numbers} select {id}, 'acme', {id}, {id}, {id}, 'failed', 0, n, n from n"),
        format!("outbox (id, org_id, kind, run_id, payload, status, attempt, created_at, processed_at)
            {numbers} select {id}, 'acme', 'k', {id}, '{{}}', 'failed', 0, n, n from n"),
    ] {
        db.execute(&format!("insert into {rows}")).await;
    }
}

/// A search looks at a limited number of rows in each pass, and the next one begins behind
/// the `count` rows that have to be kept.
async fn keep_and_pass_by(db: &TestDb, count: u64) {
    let store = db.store().await;
    // One run that is not old yet.
    ended_runs(db, &store, TriggerId::new(), &["late"]).await;
    let ends_at = async |at: i64| {
        db.execute(&format!(
            "update runs set status = 'failed', completed_at = {at} where completed_at >= {0};
             update events set status = 'failed', processed_at = {at} where processed_at >= {0}",
            T0.0
        ))
        .await;
    };
    ends_at(i64::MAX).await;
    keep(db, count).await;
    let now = T0 + DAY * 3650;
    let mut places = Places::default();
    let pass = async |what, places: &mut Places| {
        store
            .collect(what, horizon(what, now), 500, places, now)
            .await
            .unwrap()
    };
    for what in [Collected::Runs, Collected::Events] {
        let mut seen = 0;
        loop {
            let passed = pass(what, &mut places).await;
            assert!(
                passed.seen <= 500,
                "a pass looks at a limited number of rows: {passed:?}"
            );
            assert_eq!(passed.rows, 0);
            seen += passed.seen;
            if passed.seen < 500 {
                break;
            }
        }
        assert_eq!(seen, count);
    }
    // The next searches begin behind them, and find what has become old since.
    ends_at(T0.0).await;
    for what in [Collected::Runs, Collected::Events] {
        let passed = pass(what, &mut places).await;
        assert_eq!((passed.seen, passed.rows), (1, 1), "{what:?}");
    }
    // A new walk finds rows that need not be kept any more.
    db.execute("update outbox set status = 'discarded' where status = 'failed'")
        .await;
    let passed = pass(Collected::Runs, &mut Places::default()).await;
    assert_eq!((passed.seen, passed.rows), (500, 500));
    store.close().await;
}

/// Settles events with these keys, whose runs end at T0.
async fn ended_runs(db: &TestDb, store: &Store, trigger: TriggerId, keys: &[&str]) {
    let deliveries = claimed(store, trigger, &vec![None; keys.len()]).await;
    let settlements: Vec<_> = deliveries
        .iter()
        .zip(keys)
        .map(|(id, key)| completed(*id, 1, vec![decided(trigger, key, true)]))
        .collect();
    assert_eq!(
        store.settle(&settlements, T0).await.unwrap().runs,
        keys.len()
    );
    let end = format!(
        "update runs set status = 'succeeded', completed_at = {0};
         update events set status = 'completed', processed_at = {0};
         update outbox set status = 'dispatched', due_at = null, processed_at = {0}",
        T0.0
    );
    db.execute(&end).await;
}

on_both! {
    async fn deliveries_that_ended_are_deleted_and_all_others_stay(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let ids = claimed(&store, trigger, &[None; 6]).await;
        let [done, dead, discarded, retried, late, held] = ids[..] else { unreachable!() };
        store.settle(&[completed(done, 1, vec![]), failed(dead), failed(discarded), failed(retried)], T0)
            .await.unwrap();
        store.settle(&[completed(late, 1, vec![])], T0 + DAY).await.unwrap();
        for (id, change) in [(discarded, DeliveryChange::Discard), (retried, DeliveryChange::Retry)] {
            store.change_delivery(&org(), id, change, T0).await.unwrap();
        }
        store.receive(&[packed(trigger, None)]).await.unwrap();

        let now = T0 + KEPT;
        assert_eq!(collect(&store, Collected::Deliveries, now).await, 0, "not old yet");
        let now = T0 + KEPT + Duration::from_secs(1);
        assert_eq!(collect(&store, Collected::Deliveries, now).await, 2);
        for gone in [done, discarded] {
            assert!(store.delivery(&org(), gone).await.unwrap().is_none());
        }
        for kept in [dead, retried, late, held] {
            assert!(store.delivery(&org(), kept).await.unwrap().is_some());
        }
        assert_eq!(collect(&store, Collected::DeadLetters, now).await, 1);
        assert!(store.delivery(&org(), dead).await.unwrap().is_none());
        assert_eq!(collect(&store, Collected::Deliveries, now + DAY).await, 1, "the late one");
        assert_eq!(db.number("select count(*) from inbox").await, 3, "held, retried and never claimed");
    }

    async fn a_repetition_is_recognised_after_its_delivery_is_deleted(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let secret = b"a secret body";
        let sent = delivery(trigger, Some("sender's id"), secret);
        let first = store.receive(&[PackedDelivery::new(sent)]).await.unwrap()[0];
        claim_deliveries(&store, T0, LEASE, 1).await;
        let run = decided(trigger, "k", true);
        store.settle(&[completed(first.id, 1, vec![run])], T0).await.unwrap();

        let now = T0 + KEPT + DAY;
        assert_eq!(collect_all(&store, now).await, 1);
        assert!(store.delivery(&org(), first.id).await.unwrap().is_none());
        assert!(store.delivery_content(&org(), first.id).await.unwrap().is_none());
        assert!(store.list_deliveries(&org(), None, ALL).await.unwrap().items.is_empty());
        assert_eq!(
            db.number("select count(*) from inbox where length(body) > 0 or headers <> '[]' or query <> '' or delivery_key is not null").await,
            0,
            "nothing is left of what was sent"
        );
        assert_eq!(collect_all(&store, now).await, 0, "a key is emptied once");
        let again = store.receive(&[packed(trigger, Some("sender's id"))]).await.unwrap()[0];
        assert!(again.duplicate);
        assert_eq!(again.id, first.id);
        assert!(claim_deliveries(&store, now, LEASE, 1).await.is_empty());

        let now = T0 + REMEMBERED + DAY;
        assert_eq!(collect_all(&store, now).await, 1);
        assert!(!store.receive(&[packed(trigger, Some("sender's id"))]).await.unwrap()[0].duplicate);
    }

    async fn a_deleted_event_starts_no_second_run(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        ended_runs(db, &store, trigger, &["k1"]).await;
        let now = T0 + KEPT + DAY;
        assert_eq!(collect(&store, Collected::Events, now).await, 0, "an event stays as long as its run");
        assert_eq!(collect_all(&store, now).await, 4, "delivery, event, run and message");
        assert!(store.list_events(&org(), &EventFilter::default(), ALL).await.unwrap().items.is_empty());
        assert!(store.event_counts(&[trigger]).await.unwrap().is_empty());
        assert_eq!(
            db.number("select count(*) from events where title <> '' or facts <> '{}' or url is not null or actor is not null").await,
            0,
            "nothing is left of what happened"
        );

        let again = claimed(&store, trigger, &[None]).await[0];
        let settled = store.settle(&[completed(again, 1, vec![decided(trigger, "k1", true)])], now).await.unwrap();
        assert_eq!((settled.runs, settled.duplicates), (0, 1));

        let now = T0 + REMEMBERED + DAY;
        collect_all(&store, now).await;
        let other = store.receive(&[packed(trigger, None)]).await.unwrap()[0].id;
        claim_deliveries(&store, now, LEASE, 1).await;
        let settled = store.settle(&[completed(other, 1, vec![decided(trigger, "k1", true)])], now).await.unwrap();
        assert_eq!(settled.runs, 1, "the window has passed");
    }

    async fn open_rows_are_never_deleted(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let ids = claimed(&store, trigger, &[None; 2]).await;
        let settlements = [
            completed(ids[0], 1, vec![decided(trigger, "wanted", true)]),
            completed(ids[1], 1, vec![decided(trigger, "mismatch", false)]),
        ];
        store.settle(&settlements, T0).await.unwrap();
        let ages = T0 + DAY * 3650;
        assert_eq!(collect_all(&store, ages).await, 3, "the deliveries and the event that was skipped");
        let events = store.list_events(&org(), &EventFilter::default(), ALL).await.unwrap().items;
        assert_eq!(events.len(), 1);
        assert_eq!(db.number("select count(*) from runs").await, 1);
        let message = store.claim_messages(&org(), ages, LEASE, 5, 20).await.unwrap().remove(0);
        store.nack_message(&org(), message.id, message.lease_token, None, Some("no"), ages).await.unwrap();
        let rows = "select (select count(*) from runs) + (select count(*) from events)
            + (select count(*) from outbox)";
        // The run has failed with its message, and both may be retried.
        collect_all(&store, ages + DAY * 3650).await;
        assert_eq!(db.number(rows).await, 3, "a dead letter stays with its run");
        db.execute("update runs set status = 'needs_human', completed_at = 1").await;
        db.execute("update outbox set status = 'dispatched'").await;
        assert_eq!(collect(&store, Collected::Runs, ages + DAY * 3650).await, 0, "a person has to decide");
        db.execute("update runs set status = 'succeeded'").await;
        assert_eq!(collect_all(&store, ages + DAY * 3650).await, 3, "now all is over");
    }

    async fn rows_that_are_kept_are_passed_by_once(db: &TestDb) {
        keep_and_pass_by(db, 20_000).await;
    }

    async fn many_rows_are_deleted_in_small_passes(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let names: Vec<String> = (0..20).map(|n| format!("k{n}")).collect();
        // Every second delivery has a key.
        let keys: Vec<_> = names.iter().enumerate().map(|(n, key)| (n % 2 == 0).then_some(key.as_str())).collect();
        let ids = claimed(&store, trigger, &keys).await;
        let run = |name: &String| vec![decided(trigger, name, true)];
        let done: Vec<_> = ids.iter().zip(&names).map(|(id, name)| completed(*id, 1, run(name))).collect();
        store.settle(&done, T0).await.unwrap();
        assert_eq!(collect(&store, Collected::Deliveries, T0 + KEPT + DAY).await, 20);
        assert_eq!(db.number("select count(*) from inbox").await, 0);
        assert_eq!(db.number("select count(*) from door_keys").await, 10);
        assert_eq!(collect(&store, Collected::DoorKeys, T0 + REMEMBERED + DAY).await, 10);
        assert_eq!(db.number("select count(*) from door_keys").await, 0);
    }

    async fn two_replicas_delete_each_row_once(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let ids = claimed(&store, trigger, &[None; 60]).await;
        let done: Vec<_> = ids.iter().map(|id| completed(*id, 1, vec![])).collect();
        store.settle(&done, T0).await.unwrap();
        let now = T0 + KEPT + DAY;
        let other = db.store().await;
        let (a, b) = tokio::join!(
            collect(&store, Collected::Deliveries, now),
            collect(&other, Collected::Deliveries, now)
        );
        // A replica that finds only locked rows leaves them for the next turn.
        let rest = collect(&store, Collected::Deliveries, now).await;
        assert_eq!(a + b + rest, 60);
    }

    async fn history_is_deleted_by_its_own_age(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let id = claimed(&store, trigger, &[None]).await[0];
        store.settle(&[completed(id, 1, vec![decided(trigger, "k", true)])], T0).await.unwrap();
        let event = store.list_events(&org(), &EventFilter::default(), ALL).await.unwrap().items.remove(0).id;
        store.skip_event(&org(), event, "somebody", T0 + DAY).await.unwrap();
        let rows = db.number("select count(*) from transitions").await;
        assert!(rows > 0);
        assert_eq!(collect(&store, Collected::History, T0 + KEPT + DAY).await, 0);
        let now = T0 + KEPT + DAY + DAY;
        assert_eq!(collect(&store, Collected::History, now).await, u64::try_from(rows).unwrap());
    }

    async fn a_chore_belongs_to_one_replica_until_its_lease_lapses(db: &TestDb) {
        let (store, other) = (db.store().await, db.store().await);
        let until = T0 + LEASE;
        let (a, b) = tokio::join!(
            store.claim_chore(Chore::Retention, T0, until),
            other.claim_chore(Chore::Retention, T0, until)
        );
        assert_eq!(usize::from(a.unwrap()) + usize::from(b.unwrap()), 1);
        assert!(!other.claim_chore(Chore::Retention, T0 + LEASE / 2, until + LEASE).await.unwrap());
        assert!(store.move_chore(Chore::Retention, until, until + LEASE).await.unwrap(), "held longer");
        assert!(!other.claim_chore(Chore::Retention, until, until + LEASE).await.unwrap());
        assert!(other.claim_chore(Chore::Retention, until + LEASE, until + LEASE * 2).await.unwrap(), "lapsed");
        assert!(!store.move_chore(Chore::Retention, until + LEASE, T0).await.unwrap(), "no longer held");
    }
}
