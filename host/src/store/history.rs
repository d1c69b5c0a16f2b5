//! The history: every change of an event's or a run's status after its first.

use super::pool::read;
use super::{Store, StoreError};
use crate::domain::run::Transition;
use crate::domain::{OrgId, Timestamp};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct TransitionRow {
    from_status: String,
    to_status: String,
    actor: String,
    reason: Option<String>,
    comment: Option<String>,
    at: i64,
}

/// Writes one row of history in the transaction `$tx`: `$subject` went `$from` one
/// status `$to` another, by `$actor`, for `$reason`, with `$comment`.
macro_rules! transition {
    ($tx:ident, $org:expr, $subject:expr, $from:expr, $to:expr, $actor:expr, $reason:expr,
        $comment:expr, $now:expr) => {
        sqlx::query(
            "insert into transitions (id, org_id, subject, from_status, to_status, actor, reason,
                comment, at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(uuid::Uuid::now_v7())
        .bind($org)
        .bind($subject)
        .bind($from.as_str())
        .bind($to.as_str())
        .bind($actor)
        .bind($reason)
        .bind($comment)
        .bind($now.0)
        .execute(&mut **$tx)
        .await?
    };
}

pub(super) use transition;

impl Store {
    /// Every change of status of an event or a run after its first, oldest first.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn history(&self, org: &OrgId, subject: Uuid) -> Result<Vec<Transition>, StoreError> {
        let rows: Vec<TransitionRow> = read!(self, pool => {
            sqlx::query_as(
                "select from_status, to_status, actor, reason, comment, at from transitions
                 where org_id = $1 and subject = $2 order by id",
            )
            .bind(org.as_str())
            .bind(subject)
            .fetch_all(pool)
            .await?
        });
        Ok(rows
            .into_iter()
            .map(|row| Transition {
                from: row.from_status,
                to: row.to_status,
                actor: row.actor,
                reason: row.reason,
                comment: row.comment,
                at: Timestamp(row.at),
            })
            .collect())
    }
}
