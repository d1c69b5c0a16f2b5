//! The routes that ingress keeps in memory: triggers and integrations with their secrets,
//! and the changes since it last looked.

use super::db::{Column, Tx, all, arrays, bind_all, columns, exec, names, one, within};
use super::{SealedSecret, Store, StoreError};
use crate::domain::{IntegrationId, OrgId, TriggerId};
use crate::signals::Signal;
use sqlx::postgres::PgArguments;
use std::collections::HashMap;
use std::sync::LazyLock;
use uuid::Uuid;

/// A route that has changed.
struct Change {
    subject: Uuid,
}

fn change_columns() -> [Column<Change>; 1] {
    columns!(Change {
        subject: uuid = |change| change.subject,
    })
}

/// Notes that triggers or integrations (by id) have changed. The last step of a transaction:
/// the counter's row stays locked until it ends, so that revisions become visible in their
/// order and a reader never skips one. One statement on Postgres: a change of thousands of
/// routes delays other transactions no longer than a change of one.
pub(super) async fn changed(tx: &mut Tx<'_>, subjects: &[Uuid]) -> Result<(), StoreError> {
    const COUNT: &str =
        "update counters set value = value + 1 where name = 'routes' returning value";
    static POSTGRES: LazyLock<String> = LazyLock::new(|| {
        let (names, arrays) = (names(&change_columns()), arrays(&change_columns(), 1));
        format!(
            "with counted as ({COUNT})
             insert into route_changes ({names}, revision)
             select r.subject, c.value from counted c, unnest({arrays}) as r ({names})
             on conflict (subject) do update set revision = excluded.revision"
        )
    });
    if subjects.is_empty() {
        return Ok(());
    }
    tx.concerns(Signal::Routes);
    if let Tx::Postgres(postgres) = tx {
        let changes: Vec<Change> = subjects.iter().map(|id| Change { subject: *id }).collect();
        let mut arguments = PgArguments::default();
        bind_all(&mut arguments, &change_columns(), &changes)?;
        let note = sqlx::query_with(POSTGRES.as_str(), arguments);
        let noted = note.execute(&mut *postgres.connection);
        within(postgres.answer_max, noted).await?;
        return Ok(());
    }
    let revision = one!(tx, scalar i64, COUNT)?;
    for subject in subjects {
        exec!(
            tx,
            "insert into route_changes (subject, revision) values ($1, $2)
             on conflict (subject) do update set revision = excluded.revision",
            subject,
            revision,
        )?;
    }
    Ok(())
}

/// A trigger or an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteSubject {
    /// Reached by its token.
    Trigger(TriggerId),
    /// Reached by its id.
    Integration(IntegrationId),
}

/// A source of deliveries.
#[derive(Clone, Debug)]
pub struct RouteSource {
    /// Its trigger or integration.
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
    /// Its id.
    pub subject: Uuid,
    /// The route as it is now; none if it is gone.
    pub source: Option<RouteSource>,
}

#[derive(sqlx_macros::FromRow)]
struct ChangeRow {
    subject: Uuid,
    trigger_id: Option<TriggerId>,
    org_id: Option<OrgId>,
    provider: Option<String>,
    token: Option<String>,
}

#[derive(sqlx_macros::FromRow)]
struct SecretRow {
    subject: Uuid,
    #[sqlx(flatten)]
    secret: SealedSecret,
}

impl Store {
    /// The latest revision of all routes.
    pub async fn route_revision(&self) -> Result<i64, StoreError> {
        const SQL: &str = "select value from counters where name = 'routes'";
        self.read(async |tx| one!(tx, scalar i64, SQL)).await
    }

    /// Every change after `revision`; all routes after zero.
    pub async fn route_changes(&self, revision: i64) -> Result<Vec<RouteChange>, StoreError> {
        let (rows, secrets) = self
            .read(async |tx| {
                let rows = all!(
                    tx,
                    ChangeRow,
                    "select c.subject, t.id as trigger_id, coalesce(t.org_id, i.org_id) as org_id,
                        coalesce(t.provider, i.provider) as provider, t.token
                     from route_changes c
                        left join triggers t on t.id = c.subject and t.deleted_at is null
                        left join integrations i on i.id = c.subject and i.deleted_at is null
                     where c.revision > $1",
                    revision,
                )?;
                let secrets = all!(
                    tx,
                    SecretRow,
                    "select s.subject, s.id, s.sealed, s.expires_at
                     from route_changes c join webhook_secrets s on s.subject = c.subject
                     where c.revision > $1 order by s.id desc",
                    revision,
                )?;
                Ok((rows, secrets))
            })
            .await?;
        let mut by_subject: HashMap<Uuid, Vec<SealedSecret>> = HashMap::new();
        for SecretRow { subject, secret } in secrets {
            by_subject.entry(subject).or_default().push(secret);
        }
        let changes = rows.into_iter().map(|row| RouteChange {
            subject: row.subject,
            source: row.source(by_subject.remove(&row.subject).unwrap_or_default()),
        });
        Ok(changes.collect())
    }
}

impl ChangeRow {
    fn source(&self, secrets: Vec<SealedSecret>) -> Option<RouteSource> {
        Some(RouteSource {
            subject: match self.trigger_id {
                Some(id) => RouteSubject::Trigger(id),
                None => RouteSubject::Integration(IntegrationId(self.subject)),
            },
            org: self.org_id.clone()?,
            provider: self.provider.clone()?,
            token: self.token.clone(),
            secrets,
        })
    }
}
