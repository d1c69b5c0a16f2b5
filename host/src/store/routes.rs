//! What ingress must know about triggers and integrations, and which of them have
//! changed since it last looked.

use super::matching::org_id;
use super::pool::read;
use super::{Store, StoreError};
use crate::domain::{IntegrationId, OrgId, Timestamp, TriggerId};
use std::collections::HashMap;
use uuid::Uuid;

/// Notes that triggers or integrations (by id) have changed. The counter's row
/// stays locked until the transaction ends, so revisions become visible in their
/// order and a reader never skips one.
macro_rules! changed {
    ($tx:ident, $subjects:expr) => {{
        let subjects: Vec<uuid::Uuid> = $subjects;
        if !subjects.is_empty() {
            let revision: i64 = sqlx::query_scalar(
                "update counters set value = value + 1 where name = 'routes' returning value",
            )
            .fetch_one(&mut **$tx)
            .await?;
            for subject in subjects {
                sqlx::query(
                    "insert into route_changes (subject, revision) values ($1, $2)
                     on conflict (subject) do update set revision = excluded.revision",
                )
                .bind(subject)
                .bind(revision)
                .execute(&mut **$tx)
                .await?;
            }
        }
    }};
}

/// Adds a sealed secret to a trigger or an integration.
macro_rules! add_secret {
    ($tx:ident, $subject:expr, $secret:expr, $now:expr) => {{
        let secret: &$crate::store::SealedSecret = $secret;
        sqlx::query(
            "insert into webhook_secrets (id, subject, sealed, created_at) values ($1, $2, $3, $4)",
        )
        .bind(secret.id)
        .bind($subject)
        .bind(secret.sealed.as_slice())
        .bind($now.0)
        .execute(&mut **$tx)
        .await?;
    }};
}

pub(super) use {add_secret, changed};

/// A secret as it is stored.
#[derive(Clone, Debug)]
pub struct SealedSecret {
    /// Its row, to which the sealing is bound.
    pub id: Uuid,
    /// Encrypted with the master key.
    pub sealed: Vec<u8>,
    /// From when on it is no longer accepted.
    pub expires_at: Option<Timestamp>,
}

/// A trigger or an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteSubject {
    /// Reached by its token.
    Trigger(TriggerId),
    /// Reached by its id.
    Integration(IntegrationId),
}

/// Where deliveries may come in.
#[derive(Clone, Debug)]
pub struct RouteSource {
    /// To whom they belong.
    pub subject: RouteSubject,
    /// The organization.
    pub org: OrgId,
    /// The provider.
    pub provider: String,
    /// The URL token of a trigger.
    pub token: Option<String>,
    /// Live secrets, newest first.
    pub secrets: Vec<SealedSecret>,
}

/// A trigger or integration that has changed.
#[derive(Clone, Debug)]
pub struct RouteChange {
    /// Its id, of either kind.
    pub subject: Uuid,
    /// What it is now; none if it is gone.
    pub source: Option<RouteSource>,
}

#[derive(sqlx::FromRow)]
struct ChangeRow {
    subject: Uuid,
    trigger_id: Option<Uuid>,
    org_id: Option<String>,
    provider: Option<String>,
    token: Option<String>,
}

#[derive(sqlx::FromRow)]
struct SecretRow {
    subject: Uuid,
    id: Uuid,
    sealed: Vec<u8>,
    expires_at: Option<i64>,
}

impl Store {
    /// The latest revision of all routes.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn route_revision(&self) -> Result<i64, StoreError> {
        Ok(read!(self, pool => {
            sqlx::query_scalar("select value from counters where name = 'routes'")
                .fetch_one(pool)
                .await?
        }))
    }

    /// Everything that has changed after `revision`; all there is after zero.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn route_changes(&self, revision: i64) -> Result<Vec<RouteChange>, StoreError> {
        let rows: Vec<ChangeRow> = read!(self, pool => {
            sqlx::query_as(
                "select c.subject, t.id as trigger_id, coalesce(t.org_id, i.org_id) as org_id,
                    coalesce(t.provider, i.provider) as provider, t.token
                 from route_changes c
                    left join triggers t on t.id = c.subject and t.deleted_at is null
                    left join integrations i on i.id = c.subject and i.deleted_at is null
                 where c.revision > $1",
            )
            .bind(revision)
            .fetch_all(pool)
            .await?
        });
        let secrets: Vec<SecretRow> = read!(self, pool => {
            sqlx::query_as(
                "select s.subject, s.id, s.sealed, s.expires_at
                 from route_changes c join webhook_secrets s on s.subject = c.subject
                 where c.revision > $1 order by s.id desc",
            )
            .bind(revision)
            .fetch_all(pool)
            .await?
        });
        let mut by_subject: HashMap<Uuid, Vec<SealedSecret>> = HashMap::new();
        for row in secrets {
            by_subject
                .entry(row.subject)
                .or_default()
                .push(SealedSecret {
                    id: row.id,
                    sealed: row.sealed,
                    expires_at: row.expires_at.map(Timestamp),
                });
        }
        rows.into_iter()
            .map(|row| {
                let secrets = by_subject.remove(&row.subject).unwrap_or_default();
                Ok(RouteChange {
                    subject: row.subject,
                    source: source(row, secrets)?,
                })
            })
            .collect()
    }
}

fn source(row: ChangeRow, secrets: Vec<SealedSecret>) -> Result<Option<RouteSource>, StoreError> {
    let (Some(org), Some(provider)) = (row.org_id, row.provider) else {
        return Ok(None);
    };
    Ok(Some(RouteSource {
        subject: match row.trigger_id {
            Some(id) => RouteSubject::Trigger(TriggerId(id)),
            None => RouteSubject::Integration(IntegrationId(row.subject)),
        },
        org: org_id("route_changes", &org)?,
        provider,
        token: row.token,
        secrets,
    }))
}
