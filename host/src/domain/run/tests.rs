use super::*;
use std::time::Duration;

const T0: Timestamp = Timestamp(1_800_000_000_000_000);
const DEADLINE_AFTER: Duration = Duration::from_secs(7_200);
const SILENT_AFTER: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn queued() -> RunState {
    RunState {
        status: RunStatus::Queued,
        status_reason: None,
        attempt: 0,
        start_id: None,
        started_at: None,
        deadline_at: None,
        inactivity: None,
        heartbeat_due_at: None,
        due_at: None,
        completed_at: None,
        completion_id: None,
        completion_outcome: None,
        result: None,
        error: None,
    }
}

fn start(start_id: Option<&str>) -> RunAction {
    RunAction::Start(Start {
        start_id: start_id.map(str::to_owned),
        deadline: DEADLINE_AFTER,
        inactivity: SILENT_AFTER,
    })
}

fn completion(outcome: RunOutcome) -> Completion {
    Completion {
        completion_id: "c".into(),
        attempt: None,
        outcome,
        result: Some("1".into()),
        error: None,
    }
}

fn complete(outcome: RunOutcome) -> RunAction {
    RunAction::Complete(completion(outcome))
}

fn resolve(succeeded: bool) -> RunAction {
    RunAction::Resolve(Resolution {
        succeeded,
        reason: "looked at".into(),
        comment: None,
    })
}

fn heartbeat(attempt: Option<i32>) -> RunAction {
    RunAction::Heartbeat { attempt }
}

fn cancel() -> RunAction {
    RunAction::Cancel { reason: None }
}

fn give_up() -> RunAction {
    RunAction::GiveUp { error: "x".into() }
}

fn moved(state: &RunState, action: &RunAction, now: Timestamp) -> RunState {
    match state.after(action, now) {
        Ok(Change::Moved(state, _)) => state,
        other => panic!("{action:?} of {state:?}: {other:?}"),
    }
}

fn running() -> RunState {
    moved(&queued(), &start(Some("s")), T0)
}

/// A run in each state. Those that have started did so at T0.
fn each() -> Vec<RunState> {
    use RunOutcome::{Failed, NeedsHuman, Succeeded};
    let run = running();
    vec![
        queued(),
        run.clone(),
        moved(&run, &complete(Succeeded), T0),
        moved(&run, &complete(Failed), T0),
        moved(&run, &complete(NeedsHuman), T0),
        moved(&run, &RunAction::TimeOut, T0 + DEADLINE_AFTER),
        moved(&run, &cancel(), T0),
    ]
}

#[test]
fn every_action_in_every_state_follows_the_table() {
    use RunStatus::*;
    let other = RunAction::Complete(Completion {
        completion_id: "another".into(),
        ..completion(RunOutcome::Succeeded)
    });
    // Before the deadline and the next heartbeat are due.
    let cases: [(RunAction, &[(RunStatus, RunStatus)]); 7] = [
        (start(None), &[(Queued, Running)]),
        (heartbeat(None), &[(Running, Running)]),
        (other, &[(Running, Succeeded)]),
        (cancel(), &[(Queued, Cancelled), (Running, Cancelled)]),
        (
            resolve(true),
            &[
                (NeedsHuman, Succeeded),
                (Failed, Succeeded),
                (TimedOut, Succeeded),
            ],
        ),
        (resolve(false), &[(NeedsHuman, Failed), (TimedOut, Failed)]),
        (give_up(), &[(Queued, Failed)]),
    ];
    for (action, allowed) in cases {
        for state in each() {
            let expected = allowed.iter().find(|(from, _)| *from == state.status);
            match state.after(&action, T0 + SECOND) {
                Ok(Change::Moved(after, _) | Change::Kept(after)) => {
                    let change = (state.status, after.status);
                    assert_eq!(expected, Some(&change), "{action:?}");
                }
                // The message of a run that has started no longer matters.
                Ok(Change::Nothing) => assert_eq!((action.clone(), expected), (give_up(), None)),
                Err(_) => assert_eq!(expected, None, "{action:?} of {}", state.status),
            }
        }
    }
}

#[test]
fn every_status_can_be_reached() {
    let reached: Vec<_> = each().iter().map(|state| state.status).collect();
    assert_eq!(reached, RunStatus::ALL);
}

#[test]
fn a_run_belongs_to_one_consumer_until_that_one_is_silent_for_too_long() {
    let run = running();
    assert_eq!(run.attempt, 1);
    let until = T0 + SILENT_AFTER;
    let refused = run.after(&start(None), Timestamp(until.0 - 1));
    assert_eq!(refused, Err(RunRefusal::InHand { attempt: 1, until }));

    let taken_over = moved(&run, &start(None), until);
    assert_eq!(taken_over.attempt, 2);
    assert_eq!(taken_over.status_reason.as_deref(), Some(TAKEN_OVER));
    assert_eq!(taken_over.deadline_at, Some(until + DEADLINE_AFTER));
    let fenced = RunRefusal::TakenOver {
        current: 2,
        given: 1,
    };
    let late = RunAction::Complete(Completion {
        attempt: Some(1),
        ..completion(RunOutcome::Succeeded)
    });
    for action in [heartbeat(Some(1)), late] {
        assert_eq!(taken_over.after(&action, until), Err(fenced.clone()));
    }
    assert!(
        taken_over
            .after(&heartbeat(Some(2)), until + SECOND)
            .is_ok()
    );
}

#[test]
fn a_repeated_start_changes_nothing() {
    let later = T0 + DEADLINE_AFTER;
    assert_eq!(
        running().after(&start(Some("s")), later),
        Ok(Change::Nothing)
    );
    let unnamed = moved(&queued(), &start(None), T0);
    assert!(
        unnamed.after(&start(None), T0).is_err(),
        "nobody knows whether it is the same"
    );
}

#[test]
fn a_run_past_its_deadline_cannot_be_taken_over() {
    let refused = running().after(&start(None), T0 + DEADLINE_AFTER);
    assert_eq!(refused, Err(RunRefusal::PastDeadline));
}

#[test]
fn a_heartbeat_extends_the_silence_and_never_the_deadline() {
    let run = running();
    let now = T0 + SILENT_AFTER + SILENT_AFTER;
    let Ok(Change::Kept(heard)) = run.after(&heartbeat(None), now) else {
        panic!("not heard");
    };
    assert_eq!(heard.heartbeat_due_at, Some(now + SILENT_AFTER));
    assert_eq!(heard.deadline_at, run.deadline_at);
    assert_eq!(heard.due_at, Some(now + SILENT_AFTER));
    assert_eq!(
        heard.after(&heartbeat(None), T0),
        Ok(Change::Nothing),
        "a clock that went back"
    );
    let at_last = T0 + (DEADLINE_AFTER - SECOND);
    let Ok(Change::Kept(heard)) = heard.after(&heartbeat(None), at_last) else {
        panic!("not heard");
    };
    assert_eq!(heard.due_at, run.deadline_at);
}

#[test]
fn a_completion_is_recorded_once() {
    use RunOutcome::{Failed, Succeeded};
    let done = moved(&running(), &complete(Succeeded), T0 + SECOND);
    assert_eq!(done.after(&complete(Succeeded), T0), Ok(Change::Nothing));
    let with = |result: &str, error: Option<&str>| {
        RunAction::Complete(Completion {
            result: Some(result.into()),
            error: error.map(str::to_owned),
            ..completion(Succeeded)
        })
    };
    for other in [complete(Failed), with("2", None), with("1", Some("x"))] {
        assert_eq!(done.after(&other, T0), Err(RunRefusal::OtherCompletion));
    }
    // Also after a person resolved the run otherwise: the consumer repeats its own call.
    let failed = moved(&running(), &complete(Failed), T0);
    let resolved = moved(&failed, &resolve(true), T0);
    assert_eq!(resolved.after(&complete(Failed), T0), Ok(Change::Nothing));
    assert_eq!(
        (resolved.completed_at, resolved.result),
        (failed.completed_at, failed.result)
    );
}

#[test]
fn a_run_times_out_for_a_reason_and_not_earlier() {
    let run = running();
    let out = |state: &RunState, now| match state.after(&RunAction::TimeOut, now) {
        Ok(Change::Moved(state, _)) => state.status_reason,
        _ => None,
    };
    assert_eq!(out(&run, Timestamp((T0 + SILENT_AFTER).0 - 1)), None);
    assert_eq!(out(&run, T0 + SILENT_AFTER).as_deref(), Some(INACTIVITY));
    assert_eq!(out(&run, T0 + DEADLINE_AFTER).as_deref(), Some(DEADLINE));
    let acknowledged = RunState {
        due_at: Some(T0 + SECOND),
        ..queued()
    };
    assert_eq!(out(&acknowledged, T0), None);
    assert_eq!(
        out(&acknowledged, T0 + SECOND).as_deref(),
        Some(NOT_STARTED)
    );
    assert_eq!(
        out(&queued(), T0 + DEADLINE_AFTER),
        None,
        "it waits in the outbox"
    );
    for state in each().iter().filter(|state| state.status.is_over()) {
        assert_eq!(out(state, T0 + DEADLINE_AFTER), None, "{}", state.status);
        assert_eq!(
            (state.due_at, state.heartbeat_due_at),
            (None, None),
            "{}",
            state.status
        );
    }
}

#[test]
fn only_a_run_that_was_not_handed_over_is_queued_again() {
    let given_up = moved(&queued(), &give_up(), T0);
    let again = moved(&given_up, &RunAction::HandOver, T0);
    let waiting = RunState {
        status_reason: Some(RETRIED.into()),
        ..queued()
    };
    assert_eq!(again, waiting);
    let resolved = RunAction::Resolve(Resolution {
        succeeded: false,
        reason: "given up".into(),
        comment: None,
    });
    let resolved = given_up.after(&resolved, T0);
    assert_eq!(resolved, Err(RunRefusal::Status(RunStatus::Failed)));
    for run in each() {
        let after = run.after(&RunAction::HandOver, T0);
        if run.status.is_over() && run.status_reason.as_deref() != Some(NOT_HANDED_OVER) {
            assert_eq!(after, Err(RunRefusal::Status(run.status)));
        } else if !run.status.is_over() {
            assert_eq!(after, Ok(Change::Nothing));
        }
    }
}

#[test]
fn an_outcome_and_the_status_it_leads_to_are_the_same_word() {
    for outcome in RunOutcome::ALL {
        assert_eq!(outcome.as_str(), outcome.status().as_str());
    }
}
