use super::{T0, completed, decided, org, packed};
use std::time::Duration;
use triggerhouse::domain::outbox::LeaseOutcome;
use triggerhouse::domain::{OutboxStatus, TriggerId};
use triggerhouse::store::{PageRequest, Store, UndeliveredChange};
use triggerhouse_tests::{claim_deliveries, eventually, on_both};

const LEASE: Duration = Duration::from_secs(60);

pub(super) async fn messages(store: &Store, count: usize) {
    let trigger = TriggerId::new();
    let batch: Vec<_> = (0..count).map(|_| packed(trigger, None)).collect();
    store.receive(&batch).await.unwrap();
    let claimed = claim_deliveries(store, T0, LEASE, count).await;
    let settlements: Vec<_> = claimed
        .iter()
        .enumerate()
        .map(|(n, claim)| completed(claim.id, 1, vec![decided(trigger, &format!("k{n}"), true)]))
        .collect();
    assert_eq!(store.settle(&settlements, T0).await.unwrap().runs, count);
}

on_both! {
    async fn a_message_belongs_to_its_consumer_until_the_lease_lapses(db: &TestDb) {
        let store = db.store().await;
        messages(&store, 3).await;
        let first = store.claim_messages(&org(), T0, LEASE, 2, 20).await.unwrap();
        assert_eq!(first.len(), 2);
        assert_eq!(store.claim_messages(&org(), T0, LEASE, 5, 20).await.unwrap().len(), 1);
        let other = "other".parse().unwrap();
        assert!(store.claim_messages(&other, T0 + LEASE, LEASE, 5, 20).await.unwrap().is_empty());

        let later = T0 + LEASE;
        let again = store.claim_messages(&org(), later, LEASE, 5, 20).await.unwrap();
        assert_eq!(again.len(), 3);
        assert!(again.iter().all(|message| message.attempt == 2));
        let old = store.ack_message(&org(), first[0].id, first[0].lease_token, LEASE, later).await.unwrap();
        assert_eq!(old, LeaseOutcome::Lost);
        let done = store.ack_message(&org(), again[0].id, again[0].lease_token, LEASE, later).await.unwrap();
        assert_eq!(done, LeaseOutcome::Done(OutboxStatus::Dispatched));
        let twice = store.ack_message(&org(), again[0].id, again[0].lease_token, LEASE, later).await.unwrap();
        assert_eq!(twice, LeaseOutcome::Lost);
        let foreign = store.ack_message(&other, again[1].id, again[1].lease_token, LEASE, later).await.unwrap();
        assert_eq!(foreign, LeaseOutcome::NotFound);
        assert_eq!(store.claim_messages(&org(), later + LEASE, LEASE, 5, 20).await.unwrap().len(), 2);
    }

    async fn a_returned_message_is_due_again_at_its_time(db: &TestDb) {
        let store = db.store().await;
        messages(&store, 1).await;
        let message = store.claim_messages(&org(), T0, LEASE, 1, 20).await.unwrap().remove(0);
        let at = T0 + Duration::from_secs(5);
        let given = store.nack_message(&org(), message.id, message.lease_token, Some(at), Some("busy"), T0).await.unwrap();
        assert_eq!(given, LeaseOutcome::Done(OutboxStatus::Pending));
        assert!(store.claim_messages(&org(), T0, LEASE, 1, 20).await.unwrap().is_empty());
        assert_eq!(store.claim_messages(&org(), at, LEASE, 1, 20).await.unwrap().len(), 1);
    }

    async fn a_message_that_kills_its_consumers_becomes_a_dead_letter(db: &TestDb) {
        let store = db.store().await;
        messages(&store, 1).await;
        let mut now = T0;
        for _ in 0..3 {
            assert_eq!(store.claim_messages(&org(), now, LEASE, 1, 3).await.unwrap().len(), 1);
            now = now + LEASE;
        }
        assert!(store.claim_messages(&org(), now, LEASE, 1, 3).await.unwrap().is_empty());
        assert!(store.claim_messages(&org(), now + LEASE, LEASE, 1, 3).await.unwrap().is_empty(), "a dead letter is never claimed");
    }

    async fn what_is_due_at_once_is_due_by_every_clock(db: &TestDb) {
        let store = db.store().await;
        messages(&store, 1).await;
        let skew = Duration::from_millis(300);
        let behind = T0 - skew;
        assert_eq!(store.organizations_due(&[org()], behind).await.unwrap(), [org()]);
        for now in [behind, T0 + skew, behind] {
            let message = store.claim_messages(&org(), now, LEASE, 1, 20).await.unwrap().remove(0);
            let ahead = T0 + skew;
            store.nack_message(&org(), message.id, message.lease_token, Some(ahead), None, ahead).await.unwrap();
        }
        let message = store.claim_messages(&org(), behind, LEASE, 1, 20).await.unwrap().remove(0);
        store.nack_message(&org(), message.id, message.lease_token, None, None, T0).await.unwrap();
        store.change_undelivered(&org(), message.id, UndeliveredChange::Retry, "somebody", T0 + skew).await.unwrap();
        let first = PageRequest { limit: 1, before: None };
        let shown = store.list_messages(&org(), Some(OutboxStatus::Pending), first).await.unwrap().items.remove(0);
        assert_eq!((shown.due_at, shown.created_at), (Some(T0), T0), "people see no trick");
        assert_eq!(store.claim_messages(&org(), behind, LEASE, 1, 20).await.unwrap().len(), 1);
    }

    async fn neither_retries_nor_new_messages_wait_for_the_others(db: &TestDb) {
        let store = db.store().await;
        messages(&store, 60).await;
        for message in store.claim_messages(&org(), T0, LEASE, 30, 20).await.unwrap() {
            let soon = T0 + Duration::from_secs(1);
            store.nack_message(&org(), message.id, message.lease_token, Some(soon), None, T0).await.unwrap();
        }
        let (mut new, mut again) = (0, 0);
        for _ in 0..25 {
            let now = T0 + Duration::from_secs(2);
            for message in store.claim_messages(&org(), now, LEASE, 1, 20).await.unwrap() {
                *if message.attempt == 1 { &mut new } else { &mut again } += 1;
            }
        }
        assert!(new > 0 && again > 0, "{new} new, {again} again");
    }

    async fn a_message_that_was_committed_late_is_found(db: &TestDb) {
        let store = db.store().await;
        messages(&store, 2).await;
        let claimed = store.claim_messages(&org(), T0, LEASE, 1, 20).await.unwrap();
        assert_eq!(claimed.len(), 1);
        assert_eq!(store.claim_messages(&org(), T0, LEASE, 1, 20).await.unwrap().len(), 1);
        // Its transaction began long before those of all others.
        let minute = LEASE.as_micros();
        let late = format!("update outbox set status = 'pending', lease_token = null, due_at = {} where id = (select id from outbox order by id limit 1)",
            T0.0 - i64::try_from(24 * 60 * minute + minute).unwrap());
        db.execute(&late).await;
        eventually("the late message", async || {
            store.organizations_due(&[org()], T0).await.unwrap() == [org()]
        })
        .await;
        eventually("its claim", async || {
            !store.claim_messages(&org(), T0, LEASE, 1, 20).await.unwrap().is_empty()
        })
        .await;
    }
}
