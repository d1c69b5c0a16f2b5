//! Rotation: a new secret is live at once, and those before it stay valid for a while.

use super::{SealedSecret, replace};
use crate::domain::{OrgId, SinkId, Timestamp};
use crate::store::db::exec;
use crate::store::routes::{self, RouteSubject};
use crate::store::{Store, StoreError};

impl Store {
    /// Gives a trigger or an integration a new secret. Those before it are accepted until
    /// `old_until`, or until their own earlier end. False if the organization has no such
    /// trigger or integration.
    pub async fn rotate_secret(
        &self,
        org: &OrgId,
        subject: RouteSubject,
        secret: &SealedSecret,
        old_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        // The update locks the subject.
        let (touch, id) = match subject {
            RouteSubject::Trigger(id) => (
                "update triggers set updated_at = $3
                 where org_id = $1 and id = $2 and deleted_at is null",
                id.0,
            ),
            RouteSubject::Integration(id) => (
                "update integrations set updated_at = $3
                 where org_id = $1 and id = $2 and deleted_at is null",
                id.0,
            ),
        };
        self.write(async |tx| {
            let found = exec!(tx, touch, org, id, now)? == 1;
            if found {
                replace(tx, id, secret, old_until, now).await?;
                routes::changed(tx, &[id]).await?;
            }
            Ok(found)
        })
        .await
    }

    /// Gives an HTTP sink a new secret. Until `old_until` requests are signed with those
    /// before it as well. False if the organization has no such sink.
    pub async fn rotate_sink_secret(
        &self,
        org: &OrgId,
        id: SinkId,
        secret: &SealedSecret,
        old_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const TOUCH: &str = "update sinks set updated_at = $3 where org_id = $1 and id = $2";
        self.write(async |tx| {
            let found = exec!(tx, TOUCH, org, id, now)? == 1;
            if found {
                replace(tx, id.0, secret, old_until, now).await?;
            }
            Ok(found)
        })
        .await
    }
}
