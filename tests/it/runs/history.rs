//! History: each change of a run and its event, with actor, reason and time.

use super::*;
use triggerhouse::domain::{EventStatus, OutboxStatus, RunStatus};
use triggerhouse::store::EventSkip;
use triggerhouse_tests::on_both;

on_both! {
    async fn a_run_and_its_event_change_together_and_record_the_actor(db: &TestDb) {
        let store = db.store().await;
        let id = one_queued(&store).await;
        let (started_at, done_at) = (T0 + SECOND, T0 + SECOND + SECOND);
        let run = done(&store, id, &start(), started_at).await;
        assert_eq!((run.status, run.attempt, run.started_at), (RunStatus::Running, 1, Some(started_at)));
        assert_eq!(run.deadline_at, Some(started_at + DEADLINE));
        assert_eq!(run.heartbeat_due_at, Some(started_at + SILENCE));
        let event = event_of(&store, id).await;
        assert_eq!((event.status, event.processed_at), (EventStatus::Processing, None));

        let run = done(&store, id, &complete("c", Some(1), RunOutcome::Succeeded), done_at).await;
        assert_eq!((run.status, run.completed_at), (RunStatus::Succeeded, Some(done_at)));
        assert_eq!(run.result, Some(serde_json::json!({"n": 1})));
        assert_eq!(run.heartbeat_due_at, None);
        let event = event_of(&store, id).await;
        assert_eq!((event.status, event.processed_at), (EventStatus::Completed, Some(done_at)));

        for (subject, expected) in [
            (id.0, [("queued", "running", started_at), ("running", "succeeded", done_at)]),
            (event.id.0, [("queued", "processing", started_at), ("processing", "completed", done_at)]),
        ] {
            let history = store.history(&org(), subject).await.unwrap();
            let seen: Vec<_> = history.iter().map(|step| (step.from.as_str(), step.to.as_str(), step.at)).collect();
            assert_eq!(seen, expected);
            assert!(history.iter().all(|step| step.actor == "somebody" && step.reason.is_none()));
        }
    }

    async fn every_end_of_a_run_is_an_end_of_its_event(db: &TestDb) {
        let store = db.store().await;
        let over: [(RunAction, RunStatus, EventStatus, Option<&str>); 4] = [
            (complete("c", None, RunOutcome::Succeeded), RunStatus::Succeeded, EventStatus::Completed, None),
            (complete("c", None, RunOutcome::Failed), RunStatus::Failed, EventStatus::Failed, Some("it broke")),
            (complete("c", None, RunOutcome::NeedsHuman), RunStatus::NeedsHuman, EventStatus::Failed, Some("the run is needs_human")),
            (cancel(), RunStatus::Cancelled, EventStatus::Failed, Some("the run is cancelled")),
        ];
        for (id, (end, status, event_status, error)) in queued(&store, 4).await.into_iter().zip(over) {
            done(&store, id, &start(), T0).await;
            assert_eq!(done(&store, id, &end, T0).await.status, status);
            let event = event_of(&store, id).await;
            assert_eq!((event.status, event.error.as_deref()), (event_status, error), "{status}");
            let (_, of_event) = steps(&store, id).await;
            assert_eq!(of_event, ["queued>processing".to_owned(), format!("processing>{event_status}")]);
        }
    }

    async fn a_person_resolves_a_run_with_a_reason(db: &TestDb) {
        let store = db.store().await;
        let ids = queued(&store, 2).await;
        for (id, succeeded) in ids.iter().copied().zip([true, false]) {
            done(&store, id, &start(), T0).await;
            assert_eq!(refused(&store, id, &resolve(succeeded), T0).await, RunRefusal::Status(RunStatus::Running));
            done(&store, id, &complete("c", None, RunOutcome::NeedsHuman), T0).await;
            let run = done(&store, id, &resolve(succeeded), T0 + SECOND).await;
            assert_eq!(run.status_reason.as_deref(), Some("looked at"));
            assert_eq!(run.completed_at, Some(T0), "it ended when its consumer said so");
            let last = history_of(&store, id).await.pop().unwrap();
            assert_eq!(last.from, "needs_human");
            assert_eq!((last.reason.as_deref(), last.comment.as_deref()), (Some("looked at"), Some("all is well")));
        }
        let events = [event_of(&store, ids[0]).await, event_of(&store, ids[1]).await];
        assert_eq!((events[0].status, events[0].error.as_deref()), (EventStatus::Completed, None));
        assert_eq!(events[1].status, EventStatus::Failed);
        assert_eq!(refused(&store, ids[0], &resolve(false), T0).await, RunRefusal::Status(RunStatus::Succeeded));
        assert_eq!(done(&store, ids[1], &resolve(true), T0).await.status, RunStatus::Succeeded);
        assert_eq!(event_of(&store, ids[1]).await.status, EventStatus::Completed);
        let (_, of_event) = steps(&store, ids[1]).await;
        assert_eq!(of_event, ["queued>processing", "processing>failed", "failed>completed"]);
    }

    async fn cancelling_a_queued_run_withdraws_its_message(db: &TestDb) {
        let store = db.store().await;
        let ids = queued(&store, 3).await;
        let held = store.claim_messages(&org(), T0, LEASE, 1, CLAIMS_MAX).await.unwrap().remove(0);
        for id in &ids {
            done(&store, *id, &cancel(), T0).await;
            let message = store.hand_off(&org(), *id).await.unwrap().unwrap();
            assert_eq!((message.status, message.due_at), (OutboxStatus::Withdrawn, None));
            assert_eq!(message.processed_at, Some(T0));
            assert_eq!(event_of(&store, *id).await.status, EventStatus::Failed);
        }
        assert!(claim(&store, T0 + LEASE).await.is_empty());
        let late = store.ack_message(&org(), held.id, held.lease_token, LEASE, T0).await.unwrap();
        assert_eq!(late, triggerhouse::domain::outbox::LeaseOutcome::Lost);
    }

    async fn skipping_an_event_cancels_its_run_and_no_call_revives_it(db: &TestDb) {
        let store = db.store().await;
        let id = one_queued(&store).await;
        acknowledge_all(&store, T0).await;
        let event = event_of(&store, id).await.id;
        assert_eq!(store.skip_event(&org(), event, "a person", T0).await.unwrap(), EventSkip::Done);
        assert_eq!(run_of(&store, id).await.status_reason.as_deref(), Some("event_skipped"));
        let (of_run, of_event) = steps(&store, id).await;
        assert_eq!((of_run, of_event), (vec!["queued>cancelled".into()], vec!["queued>skipped".into()]));
        let history = history_of(&store, id).await;
        assert_eq!((history[0].actor.as_str(), history[0].reason.as_deref()), ("a person", Some("event_skipped")));

        assert_eq!(refused(&store, id, &start(), T0).await, RunRefusal::Status(RunStatus::Cancelled));
        assert_eq!(refused(&store, id, &resolve(true), T0).await, RunRefusal::Status(RunStatus::Cancelled));
        assert!(store.time_out_runs(T0 + DEADLINE, 10, "finalizer").await.unwrap().ended.is_empty());
        assert_eq!(event_of(&store, id).await.status, EventStatus::Skipped);
    }

    async fn an_event_whose_run_has_started_cannot_be_skipped(db: &TestDb) {
        let store = db.store().await;
        let id = one_queued(&store).await;
        done(&store, id, &start(), T0).await;
        let event = event_of(&store, id).await.id;
        let skip = store.skip_event(&org(), event, "a person", T0).await.unwrap();
        assert_eq!(skip, EventSkip::Refused(EventStatus::Processing));
        assert_eq!(run_of(&store, id).await.status, RunStatus::Running);
    }

    async fn another_organization_cannot_change_a_run(db: &TestDb) {
        let store = db.store().await;
        let id = one_queued(&store).await;
        let other = "other".parse().unwrap();
        for action in [start(), heartbeat(1), complete("c", None, RunOutcome::Failed), cancel(), resolve(true)] {
            let outcome = store.act_on_run(&other, id, &action, "stranger", T0).await.unwrap();
            assert!(matches!(outcome, RunActionOutcome::NotFound), "{outcome:?}");
        }
        assert!(store.hand_off(&other, id).await.unwrap().is_none());
        assert!(history_of(&store, id).await.is_empty());
    }
}
