//! Webhook secrets are replaced while those before stay good for a while.

use super::pool::write;
use super::routes::{RouteSubject, SealedSecret, add_secret, changed};
use super::{Store, StoreError};
use crate::domain::{OrgId, Timestamp};

impl Store {
    /// Gives a trigger or an integration a new secret, live at once. Those before
    /// are accepted until `old_until`, if not for less; those that are past are
    /// removed. False if the organization has no such trigger or integration.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn rotate_secret(
        &self,
        org: &OrgId,
        subject: RouteSubject,
        secret: &SealedSecret,
        old_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        // The update's lock lets one rotation follow the other, so that each
        // expires the secret that the one before it has made.
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
        write!(self, tx => {
            let done = sqlx::query(touch)
                .bind(org.as_str())
                .bind(id)
                .bind(now.0)
                .execute(&mut **tx)
                .await?;
            let found = done.rows_affected() == 1;
            if found {
                sqlx::query(
                    "update webhook_secrets set expires_at = $2
                     where subject = $1 and (expires_at is null or expires_at > $2)",
                )
                .bind(id)
                .bind(old_until.0)
                .execute(&mut **tx)
                .await?;
                sqlx::query("delete from webhook_secrets where subject = $1 and expires_at <= $2")
                    .bind(id)
                    .bind(now.0)
                    .execute(&mut **tx)
                    .await?;
                add_secret!(tx, id, secret, now);
                changed!(tx, vec![id]);
            }
            Ok(found)
        })
    }
}
