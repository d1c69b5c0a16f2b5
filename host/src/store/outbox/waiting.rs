//! Looks at the outbox for many organizations at once, which claim nothing.

use super::due;
use super::marks::Look;
use crate::domain::{OrgId, Timestamp};
use crate::store::db::{ByEngine, all, optional};
use crate::store::{Store, StoreError};
use constcat::concat;
use serde_json::{Value, json};

/// $1 the organizations, as JSON, with the due times after which to look; $2 and $3 the due
/// times up to which.
macro_rules! due_sql {
    ($organizations:literal) => {
        concat!(
            "select o.org from ",
            $organizations,
            " where exists (select 1 from outbox
                    where org_id = o.org and due_at > o.at_once and due_at <= $2)
                or exists (select 1 from outbox
                    where org_id = o.org and due_at > o.timed and due_at <= $3)"
        )
    };
}

const DUE: ByEngine = ByEngine {
    postgres: due_sql!("json_to_recordset($1::json) as o (org text, at_once bigint, timed bigint)"),
    sqlite: due_sql!(
        "(select value ->> 'org' as org, value ->> 'at_once' as at_once,
            value ->> 'timed' as timed from json_each($1)) as o"
    ),
};

impl Store {
    /// Those of the organizations that have due messages.
    pub async fn organizations_due(
        &self,
        orgs: &[OrgId],
        now: Timestamp,
    ) -> Result<Vec<OrgId>, StoreError> {
        if orgs.is_empty() {
            return Ok(Vec::new());
        }
        let looks: Vec<Look> = orgs.iter().map(|org| self.marks.look(org, now)).collect();
        let rows = orgs.iter().zip(&looks).map(|(org, look)| {
            let (at_once, timed) = (look.at_once.0, look.timed.0);
            json!({"org": org.as_str(), "at_once": at_once.0, "timed": timed.0})
        });
        let rows = Value::from_iter(rows).to_string();
        let boundary = due::boundary(now);
        let due = self
            .read(async |tx| all!(tx, scalar OrgId, DUE, rows, boundary, now))
            .await?;
        for (org, look) in orgs.iter().zip(&looks) {
            if !due.contains(org) {
                self.marks.looked(org, look, std::iter::empty(), true);
            }
        }
        Ok(due)
    }

    /// True if the organization's messages are sent to a sink, and not claimed.
    pub async fn is_served_by_sink(&self, org: &OrgId) -> Result<bool, StoreError> {
        const SQL: &str = "select 1 from sinks where org_id = $1 and enabled";
        let found = self
            .read(async |tx| optional!(tx, scalar i32, SQL, org))
            .await?;
        Ok(found.is_some())
    }
}
