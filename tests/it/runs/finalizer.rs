//! The finalizer: runs whose time is up, and runs that it spares.

use super::*;
use tokio::task::JoinSet;
use triggerhouse::domain::outbox::LeaseOutcome;
use triggerhouse::domain::sink::SinkAddress;
use triggerhouse::domain::{EventStatus, OutboxStatus, RunStatus, SinkId};
use triggerhouse::store::{NewSink, SinkPatch};
use triggerhouse_tests::on_both;

async fn time_out(store: &Store, now: Timestamp) -> Vec<(RunId, String)> {
    let ended = store
        .time_out_runs(now, 100, "finalizer")
        .await
        .unwrap()
        .ended;
    ended
        .into_iter()
        .map(|run| (run.id, run.reason.unwrap()))
        .collect()
}

on_both! {
    async fn a_run_ends_at_its_deadline_or_after_its_silence_and_not_before(db: &TestDb) {
        let store = db.store().await;
        let ids = queued(&store, 2).await;
        acknowledge_all(&store, T0).await;
        for id in &ids {
            done(&store, *id, &start(), T0).await;
        }
        let (silent, busy) = (ids[0], ids[1]);
        done(&store, busy, &heartbeat(1), T0 + (SILENCE - SECOND)).await;
        assert!(time_out(&store, T0 + (SILENCE - SECOND)).await.is_empty());
        assert_eq!(time_out(&store, T0 + SILENCE).await, [(silent, "inactivity".to_owned())]);
        let mut now = T0 + SILENCE;
        while now < T0 + (DEADLINE - SECOND) {
            done(&store, busy, &heartbeat(1), now).await;
            assert!(time_out(&store, now).await.is_empty());
            now = now + (SILENCE - SECOND);
        }
        assert_eq!(time_out(&store, T0 + DEADLINE).await, [(busy, "deadline".to_owned())]);
        for id in ids {
            let (run, event) = (run_of(&store, id).await, event_of(&store, id).await);
            assert_eq!((run.status, event.status), (RunStatus::TimedOut, EventStatus::Failed));
            assert!(run.error.is_some() && run.error == event.error, "{run:?}");
            let last = history_of(&store, id).await.pop().unwrap();
            assert_eq!((last.actor.as_str(), last.reason), ("finalizer", run.status_reason));
            assert_eq!(refused(&store, id, &heartbeat(1), now).await, RunRefusal::Status(RunStatus::TimedOut));
        }
    }

    async fn a_run_that_waits_in_the_outbox_never_times_out(db: &TestDb) {
        let store = db.store().await;
        let id = one_queued(&store).await;
        let late = T0 + DEADLINE + DEADLINE;
        assert!(time_out(&store, late).await.is_empty());
        assert_eq!(claim(&store, late).await.len(), 1);
        assert!(time_out(&store, late + LEASE).await.is_empty(), "its message will come again");
        assert_eq!(run_of(&store, id).await.status, RunStatus::Queued);
    }

    async fn an_acknowledged_run_that_is_never_started_times_out(db: &TestDb) {
        let store = db.store().await;
        let id = one_queued(&store).await;
        acknowledge_all(&store, T0).await;
        assert!(time_out(&store, T0 + (DEADLINE - SECOND)).await.is_empty());
        assert_eq!(time_out(&store, T0 + DEADLINE).await, [(id, "not_started".to_owned())]);
        let (of_run, of_event) = steps(&store, id).await;
        assert_eq!((of_run, of_event), (vec!["queued>timed_out".into()], vec!["queued>failed".into()]));
        assert_eq!(refused(&store, id, &start(), T0).await, RunRefusal::Status(RunStatus::TimedOut));
    }

    async fn a_run_in_a_stream_waits_for_its_consumers_while_the_sink_exists(db: &TestDb) {
        let store = db.store().await;
        store.create_key(&org(), "test", b"hash", "hint", T0).await.unwrap();
        let id = one_queued(&store).await;
        acknowledge_all(&store, T0).await;
        let address = SinkAddress::Redis { stream: "runs".into() };
        let sink = NewSink { id: SinkId::new(), address, secret: None };
        store.create_sink(&org(), &sink, T0).await.unwrap();
        let late = T0 + DEADLINE + DEADLINE;
        assert!(time_out(&store, late).await.is_empty());
        let off = SinkPatch { enabled: Some(false), ..SinkPatch::default() };
        assert!(store.update_sink(&org(), sink.id, &off, late).await.unwrap());
        let when_looked_at_again = late + 3600 * SECOND;
        assert_eq!(time_out(&store, when_looked_at_again).await, [(id, "not_started".to_owned())]);
    }

    async fn many_waiting_runs_delay_no_run_that_is_due(db: &TestDb) {
        let store = db.store().await;
        let ids = queued(&store, 9).await;
        let first = claim(&store, T0).await.remove(0);
        // Eight are silent while their messages are still to be delivered. They come before
        // the ninth, whose message is acknowledged.
        store.ack_message(&org(), first.id, first.lease_token, DEADLINE, T0).await.unwrap();
        let alone = RunId(first.id.0);
        for id in ids.iter().filter(|id| **id != alone) {
            done(&store, *id, &start(), T0).await;
        }
        done(&store, alone, &start(), T0 + SECOND).await;
        let (now, mut passes) = (T0 + SECOND + SILENCE, 0);
        let ended = loop {
            let pass = store.time_out_runs(now, 4, "finalizer").await.unwrap();
            passes += 1;
            if !pass.is_full {
                break pass.ended;
            }
            assert!(pass.ended.is_empty());
        };
        assert_eq!((passes, ended.len(), ended[0].id), (3, 1, alone));
        assert!(!store.time_out_runs(now, 4, "finalizer").await.unwrap().is_full, "the others are not looked at again at once");
        let again = store.time_out_runs(now + 60 * SECOND, 100, "finalizer").await.unwrap();
        assert!(again.ended.is_empty(), "their messages are still to come");
        assert_eq!(time_out(&store, T0 + DEADLINE).await.len(), 8);
    }

    async fn an_acknowledgement_with_a_wrong_lease_sets_no_deadline(db: &TestDb) {
        let store = db.store().await;
        one_queued(&store).await;
        let message = claim(&store, T0).await.remove(0);
        let lost = store.ack_message(&org(), message.id, uuid::Uuid::new_v4(), SECOND, T0).await.unwrap();
        assert_eq!(lost, LeaseOutcome::Lost);
        store.nack_message(&org(), message.id, message.lease_token, Some(T0), None, T0).await.unwrap();
        assert_eq!(db.number("select count(*) from runs where due_at is not null").await, 0);
    }

    async fn the_deadline_ends_a_run_whose_message_is_still_to_be_delivered(db: &TestDb) {
        let store = db.store().await;
        let id = one_queued(&store).await;
        claim(&store, T0).await;
        done(&store, id, &start(), T0).await;
        assert!(time_out(&store, T0 + (DEADLINE - SECOND)).await.is_empty());
        assert_eq!(time_out(&store, T0 + DEADLINE).await, [(id, "deadline".to_owned())]);
        let message = store.hand_off(&org(), id).await.unwrap().unwrap();
        assert_eq!(message.status, OutboxStatus::Withdrawn);
        assert!(claim(&store, T0 + DEADLINE).await.is_empty());
    }

    async fn a_dead_letter_fails_its_run_unless_a_consumer_has_it(db: &TestDb) {
        let store = db.store().await;
        let ids = queued(&store, 2).await;
        let mut now = T0;
        for _ in 0..CLAIMS_MAX {
            assert_eq!(claim(&store, now).await.len(), 2);
            now = now + LEASE;
        }
        done(&store, ids[1], &start(), now).await;
        assert!(claim(&store, now).await.is_empty());
        let (lost, event) = (run_of(&store, ids[0]).await, event_of(&store, ids[0]).await);
        assert_eq!((lost.status, lost.status_reason.as_deref()), (RunStatus::Failed, Some("not_handed_over")));
        let error = "not handed over: claimed 3 times and never acknowledged";
        assert_eq!((lost.error.as_deref(), event.error.as_deref()), (Some(error), Some(error)));
        assert_eq!(event.status, EventStatus::Failed);
        assert_eq!(history_of(&store, ids[0]).await[0].actor, "outbox");

        let in_hand = run_of(&store, ids[1]).await;
        assert_eq!((in_hand.status, in_hand.error), (RunStatus::Running, None));
        let message = store.hand_off(&org(), ids[1]).await.unwrap().unwrap();
        assert_eq!(message.status, OutboxStatus::Pending, "it is not given up while the run is in hand");
        assert!(claim(&store, now + SILENCE).await.is_empty(), "it is now: its claims are used up");
        // No other consumer can replace the silent one.
        assert_eq!(time_out(&store, now + SILENCE).await, [(ids[1], "inactivity".to_owned())]);
    }

    async fn two_finalizers_end_each_run_once_in_bounded_passes(db: &TestDb) {
        let store = db.store().await;
        let ids = queued(&store, 30).await;
        acknowledge_all(&store, T0).await;
        for id in &ids {
            done(&store, *id, &start(), T0).await;
        }
        let mut finalizers = JoinSet::new();
        for _ in 0..2 {
            let store = db.store().await;
            finalizers.spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let ended = store.time_out_runs(T0 + SILENCE, 4, "finalizer").await.unwrap().ended;
                    assert!(ended.len() <= 4);
                    if ended.is_empty() {
                        return mine;
                    }
                    mine.extend(ended.into_iter().map(|run| run.id));
                }
            });
        }
        let mut ended: Vec<RunId> = finalizers.join_all().await.into_iter().flatten().collect();
        // One finalizer may stop early while the other locks the rest.
        ended.extend(time_out(&store, T0 + SILENCE).await.into_iter().map(|(id, _)| id));
        ended.sort();
        let mut expected = ids.clone();
        expected.sort();
        assert_eq!(ended, expected);
        for id in ids {
            let (of_run, of_event) = steps(&store, id).await;
            assert_eq!((of_run.len(), of_event.len()), (2, 2));
        }
        let failed = EventFilter { status: Some(EventStatus::Failed), ..EventFilter::default() };
        assert_eq!(events(&store, failed).await, 30);
    }

    async fn an_unreadable_row_delays_no_other(db: &TestDb) {
        let store = db.store().await;
        let ids = queued(&store, 2).await;
        acknowledge_all(&store, T0).await;
        for id in &ids {
            done(&store, *id, &start(), T0).await;
        }
        let first = "select id from runs order by id limit 1";
        db.execute(&format!("update runs set status = 'lost' where id = ({first})")).await;
        assert_eq!(time_out(&store, T0 + SILENCE).await.len(), 1);
        assert!(time_out(&store, T0 + SILENCE).await.is_empty());
    }
}
