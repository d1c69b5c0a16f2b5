//! The health of a sink. News name the revision of the sink that was sent to: they say
//! nothing about a sink that was changed since.

use super::SinkTarget;
use crate::domain::Timestamp;
use crate::domain::sink::CircuitRule;
use crate::signals::Signal;
use crate::store::db::{exec, optional, update};
use crate::store::{Store, StoreError};
use std::time::Duration;
use uuid::Uuid;

/// The shortest time between two notes of a success.
const SUCCESS_EVERY: Duration = Duration::from_secs(1);

/// The result of sending one message, as far as its sink is concerned.
#[derive(Clone, Debug)]
pub enum SinkNews {
    /// It was taken.
    Success,
    /// It was not taken, and the circuit follows the rule.
    Failure {
        /// The error, for people.
        error: String,
        /// The pause that the endpoint asked for.
        pause: Option<Duration>,
        /// The rule by which the circuit opens.
        rule: CircuitRule,
    },
    /// The endpoint is gone: the sink is switched off.
    Gone {
        /// The error, for people.
        error: String,
    },
}

impl Store {
    /// Notes the health of a sink, unless the sink was changed since its messages were
    /// claimed. Returns the time before which nothing is sent to it.
    pub async fn note_sink(
        &self,
        target: &SinkTarget,
        news: &SinkNews,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        match news {
            SinkNews::Success => self.note_success(target, now).await.map(|()| None),
            SinkNews::Gone { error } => self.note_gone(target, error, now).await.map(|()| None),
            SinkNews::Failure { error, pause, rule } => {
                self.note_failure(target, error, *pause, *rule, now).await
            }
        }
    }

    /// Most successes change nothing, so a read decides first if there is something to
    /// write.
    async fn note_success(&self, target: &SinkTarget, now: Timestamp) -> Result<(), StoreError> {
        const IS_NEWS: &str =
            "select 1 from sinks where id = $1 and revision = $2 and (failures > 0
                or succeeded_at is null or succeeded_at < $3
                or open_until is not null and ($4 or open_until <= $5))";
        // A success that was in flight when the endpoint asked for a pause does not end it.
        const NOTE: &str = "update sinks set failures = 0, succeeded_at = $3,
                open_until = case when $4 or open_until <= $3 then null else open_until end
             where id = $1 and revision = $2";
        let (id, revision, is_probe) = (target.id, target.revision, target.is_probe);
        let since = now - SUCCESS_EVERY;
        let news = self
            .read(async |tx| optional!(tx, scalar i32, IS_NEWS, id, revision, since, is_probe, now))
            .await?;
        if news.is_some() {
            self.write_once(async |tx| {
                if is_probe {
                    // The circuit is closed: the messages that waited for it may be sent.
                    tx.concerns(Signal::Outbox(target.org.clone()));
                }
                exec!(tx, NOTE, id, revision, now, is_probe)
            })
            .await?;
        }
        Ok(())
    }

    async fn note_gone(
        &self,
        target: &SinkTarget,
        error: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const SQL: &str = "update sinks set enabled = $3, failures = failures + 1, error = $4,
                error_at = $5, open_until = null, revision = $6, updated_at = $5
             where id = $1 and revision = $2";
        let (id, revision) = (target.id, target.revision);
        self.write_once(async |tx| {
            // Its messages wait for consumers that claim them.
            tx.concerns(Signal::Sink(target.org.clone()));
            exec!(tx, SQL, id, revision, false, error, now, Uuid::now_v7())
        })
        .await?;
        Ok(())
    }

    async fn note_failure(
        &self,
        target: &SinkTarget,
        error: &str,
        pause: Option<Duration>,
        rule: CircuitRule,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.write(async |tx| {
            // The write first: it locks the row while the rule decides.
            let failed = optional!(
                tx,
                (i32, Option<Timestamp>),
                "update sinks set failures = failures + 1, error = $3, error_at = $4
                 where id = $1 and revision = $2 returning failures, open_until",
                target.id,
                target.revision,
                error,
                now,
            )?;
            let Some((failures, open_until)) = failed else {
                return Ok(None);
            };
            let before = open_until.filter(|_| !target.is_probe);
            let until = rule.open_until(failures, pause, before, now);
            update!(tx, "sinks" set { open_until: until } where { id: target.id })?;
            Ok(until)
        })
        .await
    }
}
