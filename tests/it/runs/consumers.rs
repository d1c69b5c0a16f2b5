//! Consumers that crash, stall and compete: no run is lost, and none has two consumers.

use super::*;
use tokio::task::JoinSet;
use triggerhouse::domain::outbox::LeaseOutcome;
use triggerhouse::domain::{OutboxStatus, RunStatus};
use triggerhouse_tests::on_both;

on_both! {
    async fn of_twenty_starts_of_a_run_one_succeeds(db: &TestDb) {
        let store = db.store().await;
        let id = one_queued(&store).await;
        let mut tasks = JoinSet::new();
        for _ in 0..20 {
            let store = store.clone();
            tasks.spawn(async move { act(&store, id, &start(), T0).await });
        }
        let outcomes = tasks.join_all().await;
        let won = outcomes.iter().filter(|outcome| matches!(outcome, RunActionOutcome::Done(_)));
        assert_eq!(won.count(), 1);
        let in_hand = RunRefusal::InHand { attempt: 1, until: T0 + SILENCE };
        let lost = outcomes.iter().filter(|outcome| matches!(outcome, RunActionOutcome::Refused(refusal) if *refusal == in_hand));
        assert_eq!(lost.count(), 19);
        let (of_run, of_event) = steps(&store, id).await;
        assert_eq!((of_run.len(), of_event.len()), (1, 1));
    }

    async fn of_twenty_takeovers_of_a_silent_run_one_succeeds(db: &TestDb) {
        let store = db.store().await;
        let id = one_queued(&store).await;
        done(&store, id, &start(), T0).await;
        let mut tasks = JoinSet::new();
        for _ in 0..20 {
            let store = store.clone();
            tasks.spawn(async move { act(&store, id, &start(), T0 + SILENCE).await });
        }
        let outcomes = tasks.join_all().await;
        let won = outcomes.iter().filter(|outcome| matches!(outcome, RunActionOutcome::Done(run) if run.attempt == 2));
        assert_eq!(won.count(), 1);
        assert_eq!(run_of(&store, id).await.attempt, 2);
        let (of_run, of_event) = steps(&store, id).await;
        assert_eq!((of_run, of_event), (vec!["queued>running".into(), "running>running".into()], vec!["queued>processing".into()]));
    }

    async fn a_consumer_that_crashes_before_it_starts_loses_nothing(db: &TestDb) {
        let store = db.store().await;
        let id = one_queued(&store).await;
        assert_eq!(claim(&store, T0).await.len(), 1);
        // The consumer crashes. The next one gets the message after the lease has lapsed.
        let now = T0 + LEASE;
        let message = claim(&store, now).await.remove(0);
        assert_eq!(done(&store, id, &start(), now).await.attempt, 1);
        done(&store, id, &complete("c", Some(1), RunOutcome::Succeeded), now).await;
        let acked = store.ack_message(&org(), message.id, message.lease_token, LEASE, now).await.unwrap();
        assert_eq!(acked, LeaseOutcome::Done(OutboxStatus::Dispatched), "completing leaves the message to its consumer");
    }

    async fn a_consumer_that_crashes_while_it_works_is_replaced_and_fenced_out(db: &TestDb) {
        let store = db.store().await;
        let id = one_queued(&store).await;
        claim(&store, T0).await;
        done(&store, id, &start(), T0).await;
        // The message does not come again before the silence is over.
        assert!(claim(&store, T0 + LEASE).await.is_empty());
        let until = T0 + SILENCE;
        assert_eq!(refused(&store, id, &start(), T0 + LEASE).await, RunRefusal::InHand { attempt: 1, until });
        assert!(store.time_out_runs(until, 10, "finalizer").await.unwrap().ended.is_empty(), "the message will bring a consumer");

        assert_eq!(claim(&store, until).await.len(), 1);
        let run = done(&store, id, &start(), until).await;
        assert_eq!((run.attempt, run.status_reason.as_deref()), (2, Some("taken_over")));
        // The first consumer was only suspended.
        let fenced = RunRefusal::TakenOver { current: 2, given: 1 };
        assert_eq!(refused(&store, id, &heartbeat(1), until).await, fenced);
        assert_eq!(refused(&store, id, &complete("first", Some(1), RunOutcome::Failed), until).await, fenced);
        done(&store, id, &heartbeat(2), until + SECOND).await;
        assert_eq!(done(&store, id, &complete("second", Some(2), RunOutcome::Succeeded), until).await.status, RunStatus::Succeeded);
        assert_eq!(refused(&store, id, &complete("first", Some(1), RunOutcome::Failed), until).await, RunRefusal::Status(RunStatus::Succeeded));
    }

    async fn a_message_whose_run_is_in_hand_uses_up_no_attempt(db: &TestDb) {
        let store = db.store().await;
        let id = one_queued(&store).await;
        let first = claim(&store, T0).await.remove(0);
        done(&store, id, &start(), T0).await;
        // Another consumer claims all the time, and the first one shows signs of life.
        let mut now = T0;
        for _ in 0..40 {
            now = now + LEASE;
            assert!(claim(&store, now).await.is_empty());
            done(&store, id, &heartbeat(1), now).await;
        }
        let silent_at = now + SILENCE;
        assert!(claim(&store, silent_at - SECOND).await.is_empty());
        let again = claim(&store, silent_at).await.remove(0);
        assert_eq!((again.attempt, again.counted), (first.attempt + 1, 2));
        assert_eq!(done(&store, id, &start(), silent_at).await.attempt, 2);
    }

    async fn a_message_follows_at_once_when_its_run_ends(db: &TestDb) {
        let store = db.store().await;
        let ids = queued(&store, 2).await;
        let held = claim(&store, T0).await;
        for id in &ids {
            done(&store, *id, &start(), T0).await;
        }
        let now = T0 + LEASE;
        assert!(claim(&store, now).await.is_empty());
        for id in &ids {
            done(&store, *id, &complete("c", Some(1), RunOutcome::Succeeded), now).await;
        }
        // The consumer is alive after all.
        let mine = store.ack_message(&org(), held[0].id, held[0].lease_token, LEASE, now).await.unwrap();
        assert_eq!(mine, LeaseOutcome::Done(OutboxStatus::Dispatched));
        let again = claim(&store, now).await.remove(0);
        assert_eq!(again.id, held[1].id);
        assert_eq!(refused(&store, RunId(again.id.0), &start(), now).await, RunRefusal::Status(RunStatus::Succeeded));
    }

    async fn messages_whose_runs_are_in_hand_hide_no_other(db: &TestDb) {
        let store = db.store().await;
        let ids = queued(&store, 5).await;
        let held = store.claim_messages(&org(), T0, LEASE, 4, CLAIMS_MAX).await.unwrap();
        for message in &held {
            done(&store, RunId(message.id.0), &start(), T0).await;
        }
        let other = store.claim_messages(&org(), T0 + LEASE, LEASE, 1, CLAIMS_MAX).await.unwrap();
        assert_eq!((ids.len(), other.len()), (5, 1));
        assert!(!held.iter().any(|message| message.id == other[0].id));
    }

    async fn a_consumer_that_crashes_before_it_acknowledges_a_completed_run_repeats_nothing(db: &TestDb) {
        let store = db.store().await;
        let id = one_queued(&store).await;
        claim(&store, T0).await;
        done(&store, id, &start(), T0).await;
        done(&store, id, &complete("c", Some(1), RunOutcome::Succeeded), T0).await;
        let message = claim(&store, T0 + LEASE).await.remove(0);
        assert_eq!(refused(&store, id, &start(), T0 + LEASE).await, RunRefusal::Status(RunStatus::Succeeded));
        let acked = store.ack_message(&org(), message.id, message.lease_token, LEASE, T0 + LEASE).await.unwrap();
        assert_eq!(acked, LeaseOutcome::Done(OutboxStatus::Dispatched));
        assert!(store.time_out_runs(T0 + DEADLINE, 10, "finalizer").await.unwrap().ended.is_empty());
    }

    async fn a_heartbeat_keeps_a_run_and_a_start_can_be_repeated(db: &TestDb) {
        let store = db.store().await;
        let id = one_queued(&store).await;
        let named = RunAction::Start(Start { start_id: Some("mine".into()), deadline: DEADLINE, inactivity: SILENCE });
        done(&store, id, &named, T0).await;
        let again = done(&store, id, &named, T0 + SECOND).await;
        assert_eq!((again.attempt, again.started_at), (1, Some(T0)));
        let mut now = T0;
        for _ in 0..3 {
            now = now + (SILENCE - SECOND);
            let run = done(&store, id, &heartbeat(1), now).await;
            assert_eq!(run.heartbeat_due_at, Some(now + SILENCE));
        }
        assert!(matches!(refused(&store, id, &start(), now).await, RunRefusal::InHand { .. }));
        assert_eq!(history_of(&store, id).await.len(), 1, "a heartbeat is no change of status");
    }
}
