//! Random operations on sinks and their messages.

use super::{ALL, LEASE, Twins, number, org};
use rand::RngExt;
use triggerhouse::domain::outbox::LeaseOutcome;
use triggerhouse::domain::sink::{CircuitRule, SinkAddress};
use triggerhouse::domain::{OutboxStatus, RunId};
use triggerhouse::store::{NewSink, SinkNews, SinkPatch, UndeliveredChange, UndeliveredOutcome};

impl Twins {
    /// Creates, changes or deletes a sink, as a person.
    pub(super) async fn change_sink(&mut self) -> [String; 2] {
        let (now, id, what) = (self.now, self.sink, self.random.random_range(0..5));
        self.both(async |store| match what {
            0..=1 => {
                let new = NewSink {
                    id,
                    address: SinkAddress::Redis {
                        stream: "runs".into(),
                    },
                    secret: None,
                };
                let created = store.create_sink(&org(), &new, now).await;
                format!("{:?}", created.is_ok())
            }
            2..=3 => {
                let patch = SinkPatch {
                    enabled: Some(what == 2),
                    ..SinkPatch::default()
                };
                let patched = store.update_sink(&org(), id, &patch, now).await;
                format!("{:?}", patched.unwrap())
            }
            _ => format!("{:?}", store.delete_sink(&org(), id).await.unwrap()),
        })
        .await
    }

    /// Sends all messages as a dispatcher, with a random answer to each.
    pub(super) async fn dispatch(&mut self) -> [String; 2] {
        let (now, sink, how) = (self.now, self.sink, self.random.random_range(0..4));
        self.both(async |store| {
            let due = store.organizations_due(&[org()], now).await.unwrap();
            let claimed = store.claim_dispatch(sink, now, LEASE, 100, 3).await;
            let Some(dispatch) = claimed.unwrap() else {
                return format!("{due:?}");
            };
            let mut keyed = Vec::new();
            for message in dispatch.messages {
                let run = RunId(message.id.0);
                let event = store.run(&org(), run).await.unwrap().unwrap().event_id;
                let key = store.event(&org(), event).await.unwrap().unwrap().dedup_key;
                keyed.push((key, message));
            }
            keyed.sort_by(|one, other| (&one.0, one.1.attempt).cmp(&(&other.0, other.1.attempt)));
            let mut sent: Vec<String> = Vec::new();
            for (key, message) in keyed {
                let (id, token) = (message.id, message.lease_token);
                let (outcome, news) = match (number(&key) + how) % 4 {
                    0 => {
                        let acked = store.ack_message(&org(), id, token, LEASE, now).await;
                        (acked, SinkNews::Success)
                    }
                    1 => {
                        let error = Some("no");
                        let nacked = store
                            .nack_message(&org(), id, token, Some(now), error, now)
                            .await;
                        let rule = CircuitRule {
                            failures: 1_000,
                            pause: LEASE,
                        };
                        let news = SinkNews::Failure {
                            error: "no".into(),
                            pause: None,
                            rule,
                        };
                        (nacked, news)
                    }
                    2 => {
                        let back = store
                            .give_back_message(
                                &org(),
                                &message,
                                std::time::Duration::ZERO,
                                "busy",
                                now,
                            )
                            .await;
                        (back, SinkNews::Success)
                    }
                    // The dispatcher crashes.
                    _ => (Ok(LeaseOutcome::Lost), SinkNews::Success),
                };
                store.note_sink(&dispatch.target, &news, now).await.unwrap();
                sent.push(format!("{key} {} {:?}", message.attempt, outcome.unwrap()));
            }
            format!("{due:?} {}", sent.join(" "))
        })
        .await
    }

    /// Retries or discards a random dead letter, as a person.
    pub(super) async fn change_undelivered(&mut self) -> [String; 2] {
        let now = self.now;
        let change = match self.random.random_bool(0.5) {
            true => UndeliveredChange::Retry,
            false => UndeliveredChange::Discard,
        };
        self.both(async |store| {
            let failed = Some(OutboxStatus::Failed);
            let failed = store.list_messages(&org(), failed, ALL).await.unwrap();
            let mut keyed = Vec::new();
            for message in failed.items {
                let event = store.run(&org(), message.run_id).await.unwrap().unwrap();
                let event = store.event(&org(), event.event_id).await.unwrap().unwrap();
                keyed.push((event.dedup_key, message.attempt, message.id));
            }
            keyed.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
            let Some((key, attempt, id)) = keyed.first() else {
                return "none".into();
            };
            let changed = store
                .change_undelivered(&org(), *id, change, "test", now)
                .await
                .unwrap();
            let changed = match changed {
                UndeliveredOutcome::Done(message) => message.status.to_string(),
                other => format!("{other:?}"),
            };
            format!("{key} {attempt} {changed}")
        })
        .await
    }
}
