//! Runs after their hand-off: consumers, people and the finalizer.

mod api;
mod consumers;
mod ends;
mod finalizer;
mod history;

use crate::store::{T0, completed, decided, org, packed};
use std::time::Duration;
use triggerhouse::domain::event::Event;
use triggerhouse::domain::outbox::ClaimedMessage;
use triggerhouse::domain::run::{
    Completion, Resolution, Run, RunAction, RunOutcome, RunRefusal, Start, Transition,
};
use triggerhouse::domain::{RunId, Timestamp, TriggerId};
use triggerhouse::store::{EventFilter, PageRequest, RunActionOutcome, RunFilter, Store};
use triggerhouse_tests::claim_deliveries;

const ALL: PageRequest = PageRequest {
    limit: 100,
    before: None,
};
const LEASE: Duration = Duration::from_secs(60);
const DEADLINE: Duration = Duration::from_secs(7_200);
const SILENCE: Duration = Duration::from_secs(600);
const SECOND: Duration = Duration::from_secs(1);
/// The maximum number of claims of a message.
const CLAIMS_MAX: i32 = 3;

/// Writes `count` runs, and hands them over.
async fn queued(store: &Store, count: usize) -> Vec<RunId> {
    let trigger = TriggerId::new();
    let batch: Vec<_> = (0..count).map(|_| packed(trigger, None)).collect();
    store.receive(&batch).await.unwrap();
    let claimed = claim_deliveries(store, T0, LEASE, count).await;
    let settlements: Vec<_> = claimed
        .iter()
        .enumerate()
        .map(|(n, claim)| {
            let events = vec![decided(trigger, &format!("k{n}"), true)];
            completed(claim.id, claim.attempt, events)
        })
        .collect();
    assert_eq!(store.settle(&settlements, T0).await.unwrap().runs, count);
    let runs = store.list_runs(&org(), RunFilter::default(), ALL).await;
    runs.unwrap()
        .items
        .iter()
        .take(count)
        .map(|run| run.id)
        .collect()
}

async fn one_queued(store: &Store) -> RunId {
    queued(store, 1).await.remove(0)
}

async fn claim(store: &Store, now: Timestamp) -> Vec<ClaimedMessage> {
    store
        .claim_messages(&org(), now, LEASE, 100, CLAIMS_MAX)
        .await
        .unwrap()
}

/// Claims and acknowledges every message.
async fn acknowledge_all(store: &Store, now: Timestamp) {
    for message in claim(store, now).await {
        store
            .ack_message(&org(), message.id, message.lease_token, DEADLINE, now)
            .await
            .unwrap();
    }
}

fn start() -> RunAction {
    RunAction::Start(Start {
        start_id: None,
        deadline: DEADLINE,
        inactivity: SILENCE,
    })
}

fn complete(id: &str, attempt: Option<i32>, outcome: RunOutcome) -> RunAction {
    RunAction::Complete(Completion {
        completion_id: id.into(),
        attempt,
        outcome,
        result: Some(r#"{"n":1}"#.into()),
        error: (outcome == RunOutcome::Failed).then(|| "it broke".into()),
    })
}

fn heartbeat(attempt: i32) -> RunAction {
    RunAction::Heartbeat {
        attempt: Some(attempt),
    }
}

fn cancel() -> RunAction {
    RunAction::Cancel { reason: None }
}

fn resolve(succeeded: bool) -> RunAction {
    RunAction::Resolve(Resolution {
        succeeded,
        reason: "looked at".into(),
        comment: Some("all is well".into()),
    })
}

async fn act(store: &Store, run: RunId, action: &RunAction, now: Timestamp) -> RunActionOutcome {
    store
        .act_on_run(&org(), run, action, "somebody", now)
        .await
        .unwrap()
}

async fn done(store: &Store, run: RunId, action: &RunAction, now: Timestamp) -> Run {
    match act(store, run, action, now).await {
        RunActionOutcome::Done(run) => *run,
        other => panic!("{action:?}: {other:?}"),
    }
}

async fn refused(store: &Store, run: RunId, action: &RunAction, now: Timestamp) -> RunRefusal {
    match act(store, run, action, now).await {
        RunActionOutcome::Refused(refusal) => refusal,
        other => panic!("{action:?}: {other:?}"),
    }
}

async fn run_of(store: &Store, id: RunId) -> Run {
    store.run(&org(), id).await.unwrap().unwrap()
}

async fn event_of(store: &Store, id: RunId) -> Event {
    let run = run_of(store, id).await;
    store.event(&org(), run.event_id).await.unwrap().unwrap()
}

async fn history_of(store: &Store, id: RunId) -> Vec<Transition> {
    store.history(&org(), id.0).await.unwrap()
}

/// The changes of a run and those of its event, as `from>to`.
async fn steps(store: &Store, id: RunId) -> (Vec<String>, Vec<String>) {
    let event = event_of(store, id).await.id.0;
    let lines = |history: Vec<Transition>| {
        let line = |step: &Transition| format!("{}>{}", step.from, step.to);
        history.iter().map(line).collect()
    };
    (
        lines(history_of(store, id).await),
        lines(store.history(&org(), event).await.unwrap()),
    )
}

/// The number of events.
async fn events(store: &Store, filter: EventFilter) -> usize {
    let page = store.list_events(&org(), &filter, ALL).await.unwrap();
    page.items.len()
}
