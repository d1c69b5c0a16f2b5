//! The end of a run: of several calls one counts, and the run stays ended.

use super::*;
use tokio::task::JoinSet;
use triggerhouse::domain::{EventStatus, RunStatus};
use triggerhouse_tests::on_both;

on_both! {
    async fn a_repeated_completion_is_recorded_once(db: &TestDb) {
        let store = db.store().await;
        let id = one_queued(&store).await;
        assert_eq!(refused(&store, id, &complete("c", None, RunOutcome::Failed), T0).await, RunRefusal::NotStarted);
        done(&store, id, &start(), T0).await;
        let completion = complete("c", Some(1), RunOutcome::Failed);
        let first = done(&store, id, &completion, T0 + SECOND).await;
        let again = done(&store, id, &completion, T0 + DEADLINE).await;
        assert_eq!((again.status, again.completed_at), (RunStatus::Failed, Some(T0 + SECOND)));
        assert_eq!((again.result, again.error.as_deref()), (first.result, Some("it broke")));
        let other = complete("c", Some(1), RunOutcome::Succeeded);
        assert_eq!(refused(&store, id, &other, T0).await, RunRefusal::OtherCompletion);
        let another = complete("d", Some(1), RunOutcome::Failed);
        assert_eq!(refused(&store, id, &another, T0).await, RunRefusal::Status(RunStatus::Failed));
        let (of_run, of_event) = steps(&store, id).await;
        assert_eq!((of_run.len(), of_event.len()), (2, 2));
    }

    async fn of_many_concurrent_ends_of_a_run_one_counts(db: &TestDb) {
        let store = db.store().await;
        let ids = queued(&store, 5).await;
        // The messages are acknowledged, so the finalizer may end the runs.
        acknowledge_all(&store, T0).await;
        for id in &ids {
            done(&store, *id, &start(), T0).await;
        }
        let now = T0 + DEADLINE;
        let mut tasks = JoinSet::new();
        for id in ids.clone() {
            for n in 0..4 {
                let action = complete(&format!("c{n}"), None, RunOutcome::Succeeded);
                let store = store.clone();
                tasks.spawn(async move { matches!(act(&store, id, &action, now).await, RunActionOutcome::Done(_)) as usize });
            }
            let store = store.clone();
            tasks.spawn(async move { matches!(act(&store, id, &cancel(), now).await, RunActionOutcome::Done(_)) as usize });
        }
        for _ in 0..4 {
            let store = store.clone();
            tasks.spawn(async move { store.time_out_runs(now, 2, "finalizer").await.unwrap().ended.len() });
        }
        let ended: usize = tasks.join_all().await.into_iter().sum();
        assert_eq!(ended, ids.len(), "each was ended by one of them");
        for id in ids {
            let run = run_of(&store, id).await;
            assert!(run.status.is_over(), "{}", run.status);
            let (of_run, of_event) = steps(&store, id).await;
            assert_eq!(of_run, ["queued>running".to_owned(), format!("running>{}", run.status)]);
            assert_eq!(of_event, ["queued>processing".to_owned(), format!("processing>{}", run.status.event())]);
        }
    }

    async fn concurrent_calls_about_a_run_never_deadlock(db: &TestDb) {
        let store = db.store().await;
        let ids = queued(&store, 20).await;
        let messages = claim(&store, T0).await;
        assert_eq!(messages.len(), ids.len());
        // A deadlock would show as an error of the database.
        let mut tasks = JoinSet::new();
        for message in messages {
            let (id, token) = (RunId(message.id.0), message.lease_token);
            let event = event_of(&store, id).await.id;
            let of_run = store.clone();
            tasks.spawn(async move { act(&of_run, id, &start(), T0).await; });
            let of_event = store.clone();
            tasks.spawn(async move { of_event.skip_event(&org(), event, "somebody", T0).await.unwrap(); });
            let of_message = store.clone();
            tasks.spawn(async move { of_message.nack_message(&org(), message.id, token, None, None, T0).await.unwrap(); });
            let of_run = store.clone();
            tasks.spawn(async move { act(&of_run, id, &cancel(), T0).await; });
        }
        tasks.join_all().await;
        for id in ids {
            let (run, event) = (run_of(&store, id).await, event_of(&store, id).await);
            assert!(run.status.is_over(), "somebody called it off, or gave it up: {run:?}");
            match event.status {
                EventStatus::Skipped => assert_eq!(run.status_reason.as_deref(), Some("event_skipped")),
                status => assert_eq!(status, run.status.event()),
            }
            let (of_run, of_event) = steps(&store, id).await;
            assert_eq!(of_run.len(), of_event.len(), "{of_run:?} {of_event:?}");
        }
    }

    async fn no_call_revives_a_run_that_has_ended(db: &TestDb) {
        let store = db.store().await;
        let ids = queued(&store, 4).await;
        acknowledge_all(&store, T0).await;
        for id in &ids {
            done(&store, *id, &start(), T0).await;
        }
        done(&store, ids[0], &complete("c", None, RunOutcome::Succeeded), T0).await;
        done(&store, ids[1], &complete("c", None, RunOutcome::NeedsHuman), T0).await;
        done(&store, ids[2], &cancel(), T0).await;
        assert_eq!(store.time_out_runs(T0 + SILENCE, 10, "finalizer").await.unwrap().ended.len(), 1);
        let late = T0 + DEADLINE + DEADLINE;
        for id in ids {
            let before = (run_of(&store, id).await.status, event_of(&store, id).await.status, steps(&store, id).await);
            for action in [start(), heartbeat(1), complete("late", Some(1), RunOutcome::Succeeded), cancel()] {
                assert_eq!(refused(&store, id, &action, late).await, RunRefusal::Status(before.0));
            }
            assert!(store.time_out_runs(late, 10, "finalizer").await.unwrap().ended.is_empty());
            let event = event_of(&store, id).await;
            assert!(matches!(event.status, EventStatus::Completed | EventStatus::Failed));
            assert_eq!((run_of(&store, id).await.status, event.status, steps(&store, id).await), before);
        }
    }
}
