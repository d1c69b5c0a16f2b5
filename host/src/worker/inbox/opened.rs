//! A claimed delivery with its envelope open, and its address: what the delivery itself
//! says about its owner where its route does not name one.

use super::attempt::Attempt;
use crate::domain::delivery::{ClaimedDelivery, Disposition, Route};
use crate::domain::nango::Message;
use crate::domain::source::Locator;
use crate::provider::Registry;
use crate::store::OwnerKey;
use crate::verify;

/// A claimed delivery with the body that the service itself sent.
#[derive(Debug)]
pub(super) struct OpenedDelivery {
    pub(super) delivery: ClaimedDelivery,
    address: Address,
}

/// The address of a delivery.
#[derive(Debug)]
enum Address {
    /// The route names the trigger or the integration.
    InRoute,
    /// An account of an app-level delivery, or the connection on an envelope.
    Owner(OwnerKey),
    /// Nothing leads to an owner, for this reason.
    Nowhere(String),
    /// The body cannot be read, for this reason, and the address may be in it.
    Unreadable(String),
    /// Only the provider can tell, and it is not registered.
    UnknownProvider,
}

impl OpenedDelivery {
    /// Opens the envelope and finds the address. Parses whole bodies: run it where it may
    /// block.
    pub(super) fn open(registry: &Registry, mut delivery: ClaimedDelivery) -> Self {
        let address = match delivery.origin.route {
            Route::Account => account(registry, &delivery),
            Route::Nango => open_envelope(&mut delivery),
            Route::Token | Route::Integration => Address::InRoute,
        };
        Self { delivery, address }
    }

    /// The key of the owner that the delivery names.
    pub(super) fn owner_key(&self) -> Option<&OwnerKey> {
        match &self.address {
            Address::Owner(key) => Some(key),
            _ => None,
        }
    }

    /// The end of a delivery whose address leads to no integration.
    pub(super) fn without_owner(&self, attempt: &Attempt<'_>) -> Disposition {
        match &self.address {
            Address::Owner(OwnerKey::Account { account, .. }) => {
                attempt.complete(&format!("no integration has the account {account}"))
            }
            Address::Owner(OwnerKey::Connection(connection)) => attempt.complete(&format!(
                "no integration has the connection {} of {}",
                connection.id, connection.provider_config_key
            )),
            Address::Nowhere(reason) => attempt.complete(reason),
            Address::Unreadable(error) => attempt.fail(
                "unreadable_body",
                &format!("the account cannot be read from the body: {error}"),
            ),
            Address::UnknownProvider => attempt.not_registered(),
            Address::InRoute => attempt.complete("the delivery names nobody"),
        }
    }
}

fn account(registry: &Registry, delivery: &ClaimedDelivery) -> Address {
    let nowhere = || Address::Nowhere("the delivery names no account".into());
    let Some(provider) = registry.get(&delivery.origin.provider) else {
        return Address::UnknownProvider;
    };
    let Some(scheme) = provider.info().webhook.as_ref() else {
        return nowhere();
    };
    let request = verify::Request::new(
        scheme,
        &delivery.headers,
        &delivery.query,
        &delivery.body,
        delivery.received_at,
    );
    if let Some(account) = request.account() {
        let provider = delivery.origin.provider.clone();
        return Address::Owner(OwnerKey::Account { provider, account });
    }
    let in_body = |locator: &Locator| matches!(locator, Locator::BodyPointer(_));
    match request.body_error() {
        Some(error) if scheme.account.iter().any(in_body) => Address::Unreadable(error.to_owned()),
        _ => nowhere(),
    }
}

/// Replaces the body by the payload in its envelope.
fn open_envelope(delivery: &mut ClaimedDelivery) -> Address {
    let (connection, payload) = match Message::read(&delivery.body) {
        Message::Forward {
            connection,
            payload,
        } => (connection, payload.get().as_bytes().to_vec()),
        Message::Other(reason) => return Address::Nowhere(reason),
        // The ingress applies these itself and stores none.
        Message::Auth(_) | Message::Sync => {
            return Address::Nowhere("news about a connection start no run".into());
        }
        // A guess would start runs of one organization with the events of another.
        Message::Unattributed => {
            return Address::Nowhere("Nango named no connection for this payload".into());
        }
    };
    delivery.body = payload;
    Address::Owner(OwnerKey::Connection(connection))
}
