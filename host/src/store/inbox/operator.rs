//! Deliveries as the operator sees them: of every organization, and of none.

use super::decide::{DeliveryChange, Found, change_found};
use super::{ANY, CLAIMED, LIVE, PARKED};
use crate::domain::delivery::{Delivery, DeliveryContent, Origin, Route};
use crate::domain::{DeliveryId, DeliveryStatus, OrgId, Timestamp};
use crate::store::db::{Query, optional};
use crate::store::{Page, PageRequest, Store, StoreError};

/// The deliveries that the operator's list shows.
#[derive(Clone, Debug)]
pub struct OperatorFilter {
    /// Only those in this status.
    pub status: DeliveryStatus,
    /// Only those of no organization: nobody else sees them.
    pub ownerless: bool,
}

/// A delivery with its organization.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct OwnedDelivery {
    /// Its organization, if it belongs to one.
    pub org_id: Option<OrgId>,
    /// The delivery.
    #[sqlx(flatten)]
    pub delivery: Delivery,
}

#[derive(sqlx_macros::FromRow)]
struct Source {
    org_id: Option<OrgId>,
    provider: String,
    route: Route,
}

impl Store {
    /// Deliveries of every organization.
    pub async fn all_deliveries(
        &self,
        filter: &OperatorFilter,
        page: PageRequest,
    ) -> Result<Page<OwnedDelivery>, StoreError> {
        let status = filter.status.as_str();
        let query = match filter.status {
            DeliveryStatus::Failed | DeliveryStatus::Held => Query::new(LIVE)
                .push("q.due_at = ")
                .bind(PARKED)
                .push(" and q.status = ")
                .bind(status)
                .push(") as d where true"),
            DeliveryStatus::Processing => Query::new(CLAIMED).push("true"),
            DeliveryStatus::Pending => Query::new(LIVE)
                .push("q.status = ")
                .bind(status)
                .push(") as d where true"),
            DeliveryStatus::Completed | DeliveryStatus::Discarded => {
                Query::new(ANY).push("status = ").bind(status)
            }
        };
        let query = match filter.ownerless {
            true => query.push(" and org_id is null"),
            false => query,
        };
        let found = self.read(async |tx| query.page(page).all(tx).await).await?;
        Ok(page.page(found, |found: &OwnedDelivery| found.delivery.id.0))
    }

    /// One delivery of any organization, or of none, with its headers and its body.
    pub async fn any_delivery(
        &self,
        id: DeliveryId,
    ) -> Result<Option<(Option<OrgId>, DeliveryContent)>, StoreError> {
        let query = Query::new(ANY).push("id = ").bind(id);
        let found: Vec<OwnedDelivery> = self.read(async |tx| query.all(tx).await).await?;
        let Some(OwnedDelivery { org_id, delivery }) = found.into_iter().next() else {
            return Ok(None);
        };
        let content = self.content(delivery).await?;
        Ok(content.map(|content| (org_id, content)))
    }

    /// Retries or discards a delivery of any organization, or of none; like
    /// [`Store::change_delivery`].
    pub async fn change_any_delivery(
        &self,
        id: DeliveryId,
        change: DeliveryChange,
        now: Timestamp,
    ) -> Result<Option<(DeliveryStatus, bool)>, StoreError> {
        const FIND: &str = "select status, started_runs from inbox where id = $1";
        const SOURCE: &str = "select org_id, provider, route from inbox where id = $1";
        self.write(async |tx| {
            let Some(source) = optional!(tx, Source, SOURCE, id)? else {
                return Ok(None);
            };
            let origin = Origin {
                route: source.route,
                provider: source.provider,
                org: source.org_id,
                trigger: None,
                integration: None,
            };
            let found = optional!(tx, Found, FIND, id)?;
            change_found(tx, id, origin.lane(None), found, change, now).await
        })
        .await
    }
}
