//! Which integration a connection belongs to. An integration that knows the connection's id
//! alone learns its key from signed messages, where that is safe.

use crate::domain::IntegrationId;
use crate::domain::connection::{ConnectionName, KnownConnection, Relation};
use crate::store::StoreError;
use crate::store::db::{Query, Tx, exec, row};
use std::collections::HashMap;

row!(KnownConnection {
    provider,
    key = "provider_config_key",
    seen_key = "seen_config_key",
    other_key = "other_config_key",
});

#[derive(sqlx_macros::FromRow)]
struct CandidateRow {
    id: IntegrationId,
    connection_id: String,
    #[sqlx(flatten)]
    known: KnownConnection,
}

/// The connection of an integration, as stored.
#[derive(Clone, Debug)]
pub(in crate::store) struct ConnectionNote {
    integration: IntegrationId,
    relation: Relation,
    key: String,
}

/// The integrations of some connections, and what they have to remember about them.
#[derive(Default)]
pub(in crate::store) struct ConnectionOwners {
    pub(in crate::store) owners: HashMap<ConnectionName, IntegrationId>,
    pub(in crate::store) notes: Vec<ConnectionNote>,
}

/// Finds the integrations of connections. A message whose key an integration has goes to no
/// other one.
pub(in crate::store) async fn find(
    tx: &mut Tx<'_>,
    names: &[ConnectionName],
) -> Result<ConnectionOwners, StoreError> {
    let mut found = ConnectionOwners::default();
    if names.is_empty() {
        return Ok(found);
    }
    let rows: Vec<CandidateRow> = Query::new(
        "select id, connection_id, provider, provider_config_key, seen_config_key,
            other_config_key
         from integrations where deleted_at is null and connection_id",
    )
    .one_of(names.iter().map(|name| name.id.as_str()))
    .all(tx)
    .await?;
    let mut candidates: HashMap<&str, Vec<&CandidateRow>> = HashMap::new();
    for row in &rows {
        let of_id = candidates.entry(row.connection_id.as_str()).or_default();
        of_id.push(row);
    }
    for name in names {
        let of_id = candidates.get(name.id.as_str());
        let has_key =
            |row: &&&CandidateRow| row.known.key.as_ref() == Some(&name.provider_config_key);
        let of_id = of_id.map(Vec::as_slice).unwrap_or_default();
        if let Some(row) = of_id.iter().find(has_key) {
            found.owners.insert(name.clone(), row.id);
            continue;
        }
        for row in of_id {
            let relation = row.known.relation(name);
            if relation.is_same() {
                found.owners.insert(name.clone(), row.id);
            }
            if !matches!(
                relation,
                Relation::Same | Relation::Other | Relation::Ambiguous
            ) {
                found.notes.push(ConnectionNote {
                    integration: row.id,
                    relation,
                    key: name.provider_config_key.clone(),
                });
            }
        }
    }
    Ok(found)
}

/// Writes down what integrations have to remember. A key that another transaction has
/// written meanwhile stays.
pub(in crate::store) async fn remember(
    tx: &mut Tx<'_>,
    notes: &[ConnectionNote],
) -> Result<(), StoreError> {
    for note in notes {
        let sql = match note.relation {
            Relation::SameAndLearned => {
                "update integrations set provider_config_key = $2, seen_config_key = $2,
                    other_config_key = null
                 where id = $1 and provider_config_key is null"
            }
            Relation::SameAndSeen => {
                "update integrations set seen_config_key = $2
                 where id = $1 and provider_config_key is null and seen_config_key is null"
            }
            Relation::NowAmbiguous => {
                "update integrations set other_config_key = $2
                 where id = $1 and other_config_key is null and seen_config_key <> $2"
            }
            Relation::Same | Relation::Other | Relation::Ambiguous => continue,
        };
        let (id, key) = (note.integration, note.key.as_str());
        let changed = exec!(tx, sql, id, key)?;
        if changed > 0 && note.relation == Relation::NowAmbiguous {
            tracing::warn!(
                integration.id = %id,
                "several integrations of Nango have a connection with this integration's connection_id; set its provider_config_key"
            );
        }
    }
    Ok(())
}
