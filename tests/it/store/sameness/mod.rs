//! The same random operations on both databases, compared step by step.

mod sinks;

use super::{T0, completed, decided, org, packed};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::HashMap;
use std::time::Duration;
use triggerhouse::domain::delivery::Disposition;
use triggerhouse::domain::event::SkipReason;
use triggerhouse::domain::outbox::LeaseOutcome;
use triggerhouse::domain::run::{Completion, Resolution, Run, RunAction, RunOutcome, Start};
use triggerhouse::domain::{DeliveryId, EventId, EventStatus, RunId, SinkId, Timestamp, TriggerId};
use triggerhouse::store::{
    DeliveryChange, EventFilter, PackedDelivery, PageRequest, RunActionOutcome, RunFilter,
    Settlement, Store,
};
use triggerhouse_tests::{Kind, TestDb, claim_deliveries};
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(60);
const ALL: PageRequest = PageRequest {
    limit: 100,
    before: None,
};
const STEPS: usize = 600;

/// Random operations on two stores, and their answers as text without the ids that each
/// store makes up.
struct Twins {
    stores: [Store; 2],
    random: StdRng,
    now: Timestamp,
    trigger: TriggerId,
    sink: SinkId,
    claims: Vec<(DeliveryId, i32)>,
}

impl Twins {
    async fn receive(&mut self) -> [String; 2] {
        let count = self.random.random_range(1..6);
        let batch: Vec<PackedDelivery> = (0..count)
            .map(|_| {
                let key = format!("k{}", self.random.random_range(0..30));
                let keyed = self.random.random_bool(0.7);
                packed(self.trigger, keyed.then_some(key.as_str()))
            })
            .collect();
        self.both(async |store| format!("{:?}", store.receive(&batch).await.unwrap()))
            .await
    }

    async fn claim(&mut self) -> [String; 2] {
        let (max, now) = (self.random.random_range(1..8), self.now);
        let claimed = self
            .both(async |store| {
                let claimed = claim_deliveries(store, now, LEASE, max).await;
                claimed
                    .iter()
                    .map(|d| format!("{}#{}", d.id, d.attempt))
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .await;
        for claim in claimed[0].split_whitespace() {
            let (id, attempt) = claim.split_once('#').unwrap();
            self.claims
                .push((id.parse().unwrap(), attempt.parse().unwrap()));
        }
        claimed
    }

    async fn settle(&mut self) -> [String; 2] {
        let mut settlements = Vec::new();
        for _ in 0..self.random.random_range(1..5) {
            if self.claims.is_empty() {
                break;
            }
            // Sometimes kept, so that a claim is settled twice or late.
            let index = self.random.random_range(0..self.claims.len());
            let (id, attempt) = self.claims[index];
            if self.random.random_bool(0.8) {
                self.claims.swap_remove(index);
            }
            if settlements.iter().any(|s: &Settlement| s.delivery == id) {
                continue;
            }
            let key = format!("e{}", self.random.random_range(0..20));
            let wanted = self.random.random_bool(0.6);
            let disposition = match self.random.random_range(0..10) {
                0 => Disposition::Failed {
                    error: "broken".into(),
                },
                1 => Disposition::Retry {
                    at: self.now + Duration::from_secs(10),
                    error: "later".into(),
                },
                _ => Disposition::Completed {
                    outcome: "done".into(),
                },
            };
            let mut settlement = completed(id, attempt, vec![]);
            if matches!(disposition, Disposition::Completed { .. }) {
                settlement.events = vec![decided(self.trigger, &key, wanted)];
            }
            settlements.push(Settlement {
                disposition,
                ..settlement
            });
        }
        let now = self.now;
        self.both(async |store| {
            let settled = store.settle(&settlements, now).await.unwrap();
            let mut deliveries: Vec<_> =
                settled.deliveries.iter().map(ToString::to_string).collect();
            deliveries.sort();
            format!(
                "{deliveries:?} {} {} {}",
                settled.events, settled.runs, settled.duplicates
            )
        })
        .await
    }

    async fn change_delivery(&mut self) -> [String; 2] {
        let failed = self.stores[0]
            .list_deliveries(
                &org(),
                Some(triggerhouse::domain::DeliveryStatus::Failed),
                ALL,
            )
            .await
            .unwrap();
        let Some(delivery) = failed.items.first() else {
            return Default::default();
        };
        let (id, now) = (delivery.id, self.now);
        let change = if self.random.random_bool(0.5) {
            DeliveryChange::Retry
        } else {
            DeliveryChange::Discard
        };
        self.both(async |store| {
            format!(
                "{:?}",
                store
                    .change_delivery(&org(), id, change, now)
                    .await
                    .unwrap()
            )
        })
        .await
    }

    async fn skip(&mut self) -> [String; 2] {
        let key = format!("e{}", self.random.random_range(0..20));
        let now = self.now;
        self.both(async |store| {
            let filter = EventFilter {
                status: Some(EventStatus::Queued),
                ..EventFilter::default()
            };
            let queued = store.list_events(&org(), &filter, ALL).await.unwrap();
            match queued.items.iter().find(|event| event.dedup_key == key) {
                Some(event) => format!(
                    "{:?}",
                    store
                        .skip_event(&org(), event.id, "test", now)
                        .await
                        .unwrap()
                ),
                None => "none".into(),
            }
        })
        .await
    }

    /// Acts on a random run, as a consumer, a person or the finalizer.
    async fn act_on_run(&mut self) -> [String; 2] {
        let key = format!("e{}", self.random.random_range(0..20));
        let now = self.now;
        let attempt = self.random.random_bool(0.5);
        let attempt = attempt.then(|| self.random.random_range(1..4));
        let outcomes = [
            RunOutcome::Succeeded,
            RunOutcome::Failed,
            RunOutcome::NeedsHuman,
        ];
        let outcome = outcomes[self.random.random_range(0..outcomes.len())];
        let action = match self.random.random_range(0..12) {
            0..=4 => RunAction::Start(Start {
                start_id: attempt.map(|n| format!("s{n}")),
                deadline: Duration::from_secs(300),
                inactivity: Duration::from_secs(90),
            }),
            5..=6 => RunAction::Heartbeat { attempt },
            7..=8 => RunAction::Complete(Completion {
                completion_id: format!("c{}", self.random.random_range(0..2)),
                attempt,
                outcome,
                result: Some("[1]".into()),
                error: attempt.map(|n| format!("error {n}")),
            }),
            9 => RunAction::Cancel { reason: None },
            10 => RunAction::Resolve(Resolution {
                succeeded: attempt.is_some(),
                reason: "because".into(),
                comment: None,
            }),
            _ => RunAction::GiveUp {
                error: "gone".into(),
            },
        };
        self.both(async |store| {
            let events = store
                .list_events(&org(), &EventFilter::default(), ALL)
                .await;
            let events = events.unwrap().items;
            // The newest event with the key, among those that hold it or have ended.
            let event = events.iter().find(|event| {
                event.dedup_key == key && event.skip_reason != Some(SkipReason::FilterMismatch)
            });
            let Some(event) = event else {
                return "none".into();
            };
            let run = store.run_of_event(&org(), event.id).await.unwrap().unwrap();
            match store
                .act_on_run(&org(), run.id, &action, "test", now)
                .await
                .unwrap()
            {
                RunActionOutcome::Done(run) => {
                    format!("{} {} {:?}", run.status, run.attempt, run.heartbeat_due_at)
                }
                RunActionOutcome::Refused(refusal) => format!("{refusal:?}"),
                RunActionOutcome::NotFound => "not found".into(),
            }
        })
        .await
    }

    async fn time_out(&mut self) -> [String; 2] {
        let now = self.now;
        self.both(async |store| {
            let ended = store
                .time_out_runs(now, 3, "finalizer")
                .await
                .unwrap()
                .ended;
            let mut reasons: Vec<_> = ended.into_iter().map(|run| run.reason.unwrap()).collect();
            reasons.sort();
            format!("{reasons:?}")
        })
        .await
    }

    /// Claims all messages as a consumer, and answers each in a random way.
    async fn consume(&mut self) -> [String; 2] {
        let (now, ack) = (self.now, self.random.random_range(0..3));
        self.both(async |store| {
            let messages = store
                .claim_messages(&org(), now, LEASE, 100, 3)
                .await
                .unwrap();
            let mut titles: Vec<String> = Vec::new();
            for message in messages {
                let run = RunId(message.id.0);
                let event = store.run(&org(), run).await.unwrap().unwrap().event_id;
                let key = store.event(&org(), event).await.unwrap().unwrap().dedup_key;
                let token = message.lease_token;
                let answer = match (number(&key) + ack) % 3 {
                    0 => {
                        store
                            .ack_message(&org(), message.id, token, LEASE, now)
                            .await
                    }
                    1 => {
                        store
                            .nack_message(&org(), message.id, token, Some(now), None, now)
                            .await
                    }
                    // The consumer crashes.
                    _ => Ok(LeaseOutcome::Lost),
                };
                titles.push(format!("{key} {} {:?}", message.attempt, answer.unwrap()));
            }
            titles.sort();
            titles.join(" ")
        })
        .await
    }

    /// Everything that the stores show, with ids replaced by their order.
    async fn look(&mut self) -> [String; 2] {
        self.both(async |store| {
            let inbox = store.list_deliveries(&org(), None, ALL).await.unwrap();
            let events = store
                .list_events(&org(), &EventFilter::default(), ALL)
                .await
                .unwrap();
            let runs = store
                .list_runs(&org(), RunFilter::default(), ALL)
                .await
                .unwrap();
            let mut seen: Vec<String> = inbox
                .items
                .iter()
                .map(|d| {
                    format!(
                        "{} {} {} {:?} {:?} {:?}",
                        d.id, d.status, d.attempt, d.due_at, d.outcome, d.error
                    )
                })
                .collect();
            let event_of: HashMap<Uuid, &str> = events
                .items
                .iter()
                .map(|event| (event.id.0, event.dedup_key.as_str()))
                .collect();
            let mut rest: Vec<String> = events
                .items
                .iter()
                .map(|e| {
                    format!(
                        "{} {} {:?} {:?} {:?}",
                        e.dedup_key, e.status, e.skip_reason, e.delivery_id, e.error
                    )
                })
                .collect();
            for run in &runs.items {
                let event = event_of.get(&run.event_id.0);
                let message = store.hand_off(&org(), run.id).await.unwrap().unwrap();
                let mut history = store.history(&org(), run.id.0).await.unwrap();
                history.extend(store.history(&org(), run.event_id.0).await.unwrap());
                let run = Run {
                    id: RunId(Uuid::nil()),
                    event_id: EventId(Uuid::nil()),
                    ..run.clone()
                };
                let message = (
                    message.status,
                    message.attempt,
                    message.due_at,
                    message.error,
                );
                rest.push(format!("run of {event:?} {run:?} {message:?} {history:?}"));
            }
            for sink in store.list_sinks(&org(), ALL, self.now).await.unwrap().items {
                rest.push(format!("{sink:?}"));
            }
            rest.sort();
            seen.extend(rest);
            seen.join("\n")
        })
        .await
    }

    async fn both(&self, act: impl AsyncFn(&Store) -> String) -> [String; 2] {
        [act(&self.stores[0]).await, act(&self.stores[1]).await]
    }
}

/// The number at the end of a key.
fn number(key: &str) -> usize {
    key[1..].parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_operations_have_the_same_effect_on_both_databases() {
    let databases = [
        TestDb::create(Kind::Sqlite).await,
        TestDb::create(Kind::Postgres).await,
    ];
    let seed = std::env::var("TRIGGERHOUSE_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(rand::random::<u64>);
    println!("TRIGGERHOUSE_TEST_SEED={seed}");
    let mut twins = Twins {
        stores: [databases[0].store().await, databases[1].store().await],
        random: StdRng::seed_from_u64(seed),
        now: T0,
        trigger: TriggerId::new(),
        sink: SinkId::new(),
        claims: Vec::new(),
    };
    for store in &twins.stores {
        let created = store.create_key(&org(), "test", b"hash", "hint", T0).await;
        created.unwrap();
    }
    for step in 0..STEPS {
        let operation = twins.random.random_range(0..22);
        let [sqlite, postgres] = match operation {
            0..=3 => twins.receive().await,
            4..=6 => twins.claim().await,
            7..=8 => twins.settle().await,
            9 => twins.change_delivery().await,
            10 => twins.skip().await,
            11..=14 => twins.act_on_run().await,
            15 => twins.consume().await,
            16 => twins.time_out().await,
            17 => twins.change_sink().await,
            18..=19 => twins.dispatch().await,
            20 => twins.change_undelivered().await,
            _ => {
                let seconds = twins.random.random_range(1..40);
                twins.now = twins.now + Duration::from_secs(seconds);
                Default::default()
            }
        };
        assert_eq!(
            sqlite, postgres,
            "seed {seed}, step {step}, operation {operation}"
        );
        if step % 20 == 0 {
            let [sqlite, postgres] = twins.look().await;
            assert_eq!(sqlite, postgres, "seed {seed}, after step {step}");
        }
    }
    for database in databases {
        database.remove().await;
    }
}
