//! A delivery whose sender is verified.

use super::body_reader::HeldBody;
use super::senders::Sender;
use crate::domain::delivery::NewDelivery;
use crate::domain::source::WebhookScheme;
use crate::domain::{DeliveryId, Timestamp};
use crate::store::PackedDelivery;
use crate::verify;
use axum::http::HeaderMap;
use std::sync::Arc;

/// A request that passed the door. Only [`Door::admit`](super::door::Door::admit) makes one.
pub(super) struct Admitted {
    pub(super) sender: Sender,
    pub(super) headers: HeaderMap,
    pub(super) query: String,
    pub(super) body: HeldBody,
    pub(super) received_at: Timestamp,
    pub(super) facts: Facts,
}

/// The values that the sender's scheme reads from a verified request.
pub(super) struct Facts {
    /// The text that answers a handshake. A handshake is not stored.
    pub(super) handshake: Option<String>,
    /// The sender's own id of the delivery.
    pub(super) delivery_id: Option<String>,
    /// The account that a delivery to a shared URL names.
    pub(super) account: Option<String>,
}

impl Admitted {
    /// The delivery, ready to be committed.
    pub(super) fn pack(mut self) -> PackedDelivery {
        let key = self.facts.delivery_id.take();
        let scheme = Arc::clone(&self.sender.scheme);
        self.pack_as(key, &[&scheme])
    }

    /// The delivery with another key, and without the signatures and tokens of all
    /// `schemes`.
    pub(super) fn pack_as(self, key: Option<String>, schemes: &[&WebhookScheme]) -> PackedDelivery {
        let HeldBody { bytes, memory } = self.body;
        let packed = PackedDelivery::new(NewDelivery {
            id: DeliveryId::new(),
            lane: self.sender.origin.lane(self.facts.account.as_deref()),
            origin: self.sender.origin,
            delivery_key: key,
            headers: verify::kept_headers(schemes, &self.headers),
            query: verify::kept_query(schemes, &self.query),
            body: bytes,
            received_at: self.received_at,
        });
        // From here on the writer's own limit counts.
        drop(memory);
        packed
    }
}
