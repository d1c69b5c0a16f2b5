//! What deliveries say about to whom they belong, where their route does not: the
//! account in an app-level delivery, the connection on an envelope. An envelope is
//! opened here, so that everything after sees what the service itself sent.

use super::stop::{Reason, Stop};
use crate::domain::DeliveryId;
use crate::domain::delivery::{ClaimedDelivery, Route};
use crate::domain::nango::Message;
use crate::domain::source::Locator;
use crate::provider::Registry;
use crate::store::OwnerKey;
use crate::verify;
use std::collections::HashMap;

/// What a delivery says.
#[derive(Debug)]
enum Address {
    /// Who owns this.
    Of(OwnerKey),
    /// Nothing that leads to anybody, for this reason.
    Nowhere(String),
    /// Something, in a body that cannot be read, for this reason.
    Unreadable(String),
    /// Only its provider knows, which is not registered.
    Unknown,
}

/// The addresses of a claim's deliveries.
#[derive(Debug, Default)]
pub(super) struct Addresses(HashMap<DeliveryId, Address>);

impl Addresses {
    /// Reads whole bodies: not for a thread that others wait for.
    pub(super) fn read(registry: &Registry, deliveries: &mut [ClaimedDelivery]) -> Self {
        let addresses = deliveries
            .iter_mut()
            .filter_map(|delivery| match delivery.origin.route {
                Route::Account => Some((delivery.id, account(registry, delivery))),
                Route::Nango => Some((delivery.id, open_envelope(delivery))),
                Route::Token | Route::Integration => None,
            });
        Self(addresses.collect())
    }

    /// By what the owner is known, if the delivery says so.
    pub(super) fn owner_key(&self, delivery: &ClaimedDelivery) -> Option<&OwnerKey> {
        match self.0.get(&delivery.id)? {
            Address::Of(key) => Some(key),
            _ => None,
        }
    }

    /// Why nobody is found who owns a delivery.
    pub(super) fn no_owner(&self, delivery: &ClaimedDelivery) -> Stop {
        match self.0.get(&delivery.id) {
            Some(Address::Of(OwnerKey::Account { account, .. })) => {
                Stop::Done(format!("no integration has the account {account}"))
            }
            Some(Address::Of(OwnerKey::Connection(connection))) => {
                Stop::Done(format!("no integration has the connection {connection}"))
            }
            Some(Address::Nowhere(reason)) => Stop::Done(reason.clone()),
            Some(Address::Unreadable(error)) => Stop::Fail(Reason::new(
                "unreadable body",
                format!("the account cannot be read from the body: {error}"),
            )),
            Some(Address::Unknown) => not_registered(&delivery.origin.provider),
            None => Stop::Done("the delivery names nobody".into()),
        }
    }
}

fn account(registry: &Registry, delivery: &ClaimedDelivery) -> Address {
    let nowhere = || Address::Nowhere("the delivery names no account".into());
    let Some(provider) = registry.get(&delivery.origin.provider) else {
        return Address::Unknown;
    };
    let Some(source) = provider.info().webhook.as_ref() else {
        return nowhere();
    };
    let request = verify::Request::new(
        source,
        &delivery.headers,
        &delivery.query,
        &delivery.body,
        delivery.received_at,
    );
    if let Some(account) = request.account() {
        let provider = delivery.origin.provider.clone();
        return Address::Of(OwnerKey::Account { provider, account });
    }
    let in_body = |locator: &Locator| matches!(locator, Locator::BodyPointer(_));
    match request.body_error() {
        Some(error) if source.account.iter().any(in_body) => Address::Unreadable(error.to_owned()),
        _ => nowhere(),
    }
}

fn open_envelope(delivery: &mut ClaimedDelivery) -> Address {
    let (connection, payload) = match Message::read(&delivery.body) {
        Message::Forward {
            connection,
            payload,
        } => (connection, payload.get().as_bytes().to_vec()),
        Message::Other(reason) => return Address::Nowhere(reason),
        // The door answers these, and stores none.
        Message::Auth(_) | Message::Sync => {
            return Address::Nowhere("news about a connection start no run".into());
        }
        // Whoever guessed would start runs of one organization with the events of
        // another.
        Message::Unattributed => {
            return Address::Nowhere("Nango named no connection for this payload".into());
        }
    };
    delivery.body = payload;
    Address::Of(OwnerKey::Connection(connection))
}

/// It may be on its way: replicas are not restarted all at once.
pub(super) fn not_registered(provider: &str) -> Stop {
    Stop::Retry(Reason::new(
        "not registered",
        format!("the provider {provider} is not registered"),
    ))
}
