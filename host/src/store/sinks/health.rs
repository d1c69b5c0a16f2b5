//! How sending to a sink goes. What is said about it names the revision of the sink to
//! which it was sent: of one that was changed since, it says nothing.

use super::SinkTarget;
use crate::domain::Timestamp;
use crate::domain::sink::CircuitRule;
use crate::store::pool::{read, write};
use crate::store::{Store, StoreError};
use std::time::Duration;
use uuid::Uuid;

/// The last success is written down this often at most.
const SUCCESS_EVERY: Duration = Duration::from_secs(1);

/// What came of sending one message, as far as its sink is concerned.
#[derive(Clone, Debug)]
pub enum SinkNews {
    /// It was taken.
    Success,
    /// It was not, and the circuit follows the rule.
    Failure {
        /// For people.
        error: String,
        /// The pause that the endpoint asked for.
        pause: Option<Duration>,
        /// When the circuit opens.
        rule: CircuitRule,
    },
    /// The endpoint is gone for good: the sink is switched off.
    Gone {
        /// For people.
        error: String,
    },
}

impl Store {
    /// Notes how a sink did, unless it was changed since its messages were claimed.
    /// Returns until when nothing is sent to it.
    ///
    /// # Errors
    /// If the database is unavailable.
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

    /// Most successes change nothing, so it is looked first whether there is something
    /// to write.
    async fn note_success(&self, target: &SinkTarget, now: Timestamp) -> Result<(), StoreError> {
        let since = now - SUCCESS_EVERY;
        let news: Option<i32> = read!(self, pool => {
            sqlx::query_scalar(
                "select 1 from sinks where id = $1 and revision = $2 and (failures > 0
                    or succeeded_at is null or succeeded_at < $3
                    or open_until is not null and ($4 or open_until <= $5))",
            )
            .bind(target.id.0)
            .bind(target.revision)
            .bind(since.0)
            .bind(target.is_probe)
            .bind(now.0)
            .fetch_optional(pool)
            .await?
        });
        if news.is_none() {
            return Ok(());
        }
        write!(self, tx => {
            // What was under way when an endpoint asked for a pause says nothing against it.
            sqlx::query(
                "update sinks set failures = 0, succeeded_at = $3,
                    open_until = case when $4 or open_until <= $3 then null else open_until end
                 where id = $1 and revision = $2",
            )
            .bind(target.id.0)
            .bind(target.revision)
            .bind(now.0)
            .bind(target.is_probe)
            .execute(&mut **tx)
            .await?;
            Ok(())
        })
    }

    async fn note_gone(
        &self,
        target: &SinkTarget,
        error: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        write!(self, tx => {
            sqlx::query(
                "update sinks set enabled = $3, failures = failures + 1, error = $4, error_at = $5,
                    open_until = null, revision = $6, updated_at = $5
                 where id = $1 and revision = $2",
            )
            .bind(target.id.0)
            .bind(target.revision)
            .bind(false)
            .bind(error)
            .bind(now.0)
            .bind(Uuid::now_v7())
            .execute(&mut **tx)
            .await?;
            Ok(())
        })
    }

    async fn note_failure(
        &self,
        target: &SinkTarget,
        error: &str,
        pause: Option<Duration>,
        rule: CircuitRule,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        write!(self, tx => {
            // The write first: it holds the row while the rule is asked.
            let failed: Option<(i32, Option<i64>)> = sqlx::query_as(
                "update sinks set failures = failures + 1, error = $3, error_at = $4
                 where id = $1 and revision = $2 returning failures, open_until",
            )
            .bind(target.id.0)
            .bind(target.revision)
            .bind(error)
            .bind(now.0)
            .fetch_optional(&mut **tx)
            .await?;
            let Some((failures, open_until)) = failed else { return Ok(None) };
            let before = open_until.map(Timestamp).filter(|_| !target.is_probe);
            let until = rule.open_until(failures, pause, before, now);
            sqlx::query("update sinks set open_until = $2 where id = $1")
                .bind(target.id.0)
                .bind(until.map(|at| at.0))
                .execute(&mut **tx)
                .await?;
            Ok(until)
        })
    }
}
