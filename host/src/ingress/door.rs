//! The door: the one way from a webhook request to a commit.

use super::admitted::{Admitted, Facts};
use super::answers::Accepted;
use super::body_reader::{BodyReader, HeldBody};
use super::incoming::Incoming;
use super::rates::RateLimits;
use super::route_cache::{Recheck, RouteCache};
use super::senders::{Sender, Senders};
use super::webhook_url::WebhookUrl;
use super::writer::InboxWriter;
use crate::clock;
use crate::config::Config;
use crate::domain::Timestamp;
use crate::http::Problem;
use crate::measure;
use crate::provider::Registry;
use crate::store::{PackedDelivery, Store};
use crate::verify::{self, VerifyError};
use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The state of the webhook routes; cheap to clone.
#[derive(Clone)]
pub struct Door {
    senders: Arc<Senders>,
    rates: RateLimits,
    bodies: BodyReader,
    writer: InboxWriter,
    store: Store,
}

/// A request whose body is read and whose sender is not verified yet.
struct Unverified {
    headers: HeaderMap,
    query: String,
    body: HeldBody,
    received_at: Timestamp,
}

impl Door {
    /// A door with the operator's limits and secrets.
    pub fn new(
        config: &Config,
        store: Store,
        registry: &Registry,
        routes: RouteCache,
        rates: RateLimits,
        writer: InboxWriter,
    ) -> Self {
        Self {
            senders: Arc::new(Senders::new(config, registry, routes)),
            rates,
            bodies: BodyReader::new(&config.ingress),
            writer,
            store,
        }
    }

    pub(super) fn senders(&self) -> &Senders {
        &self.senders
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Lets a request in: the URL is known, the quotas are not used up, and the
    /// sender's signature is right. Nothing is stored yet.
    ///
    /// The quota is checked before the body is read, and taken only from a verified
    /// sender: nobody can exhaust it with forged requests.
    pub(super) async fn admit(
        &self,
        url: WebhookUrl<'_>,
        incoming: Incoming,
    ) -> Result<Admitted, Problem> {
        let (received_at, arrived) = (incoming.received_at, incoming.arrived);
        let sender = self.find(url, received_at, arrived).await?;
        // Configured secrets do not change: without one, no body is worth reading.
        if !url.is_route() && !sender.has_secret() {
            return Err(refuse(&sender, VerifyError::NoSecret));
        }
        self.rates.check(&sender.rate_key(), sender.org())?;
        let request = Unverified {
            body: self.bodies.read(&incoming.headers, incoming.body).await?,
            headers: incoming.headers,
            query: incoming.query,
            received_at,
        };
        let (sender, facts) = match request.verify(&sender) {
            Ok(facts) => (sender, facts),
            Err(error) => {
                self.rates.take_unverified(&sender.rate_key())?;
                self.verify_again(url, &request, arrived)
                    .await?
                    .ok_or_else(|| refuse(&sender, error))?
            }
        };
        self.rates.take(&sender.rate_key(), sender.org())?;
        Ok(Admitted {
            sender,
            headers: request.headers,
            query: request.query,
            body: request.body,
            received_at,
            facts,
        })
    }

    /// The sender at `url`; 404 if there is none. A trigger or integration that was
    /// created on another replica a moment ago is found as well.
    async fn find(
        &self,
        url: WebhookUrl<'_>,
        now: Timestamp,
        arrived: Instant,
    ) -> Result<Sender, Problem> {
        if let Some(sender) = self.senders.find(url, now) {
            return Ok(sender);
        }
        let sender = match self.has_changed(url, arrived).await? {
            true => self.senders.find(url, now),
            false => None,
        };
        sender.ok_or_else(|| Problem::not_found(url.noun()))
    }

    /// Verifies once more if the routes have changed since the request arrived: another
    /// replica may have replaced the secret. None if the signature is still wrong.
    async fn verify_again(
        &self,
        url: WebhookUrl<'_>,
        request: &Unverified,
        arrived: Instant,
    ) -> Result<Option<(Sender, Facts)>, Problem> {
        if !self.has_changed(url, arrived).await? {
            return Ok(None);
        }
        let sender = self.senders.find(url, request.received_at);
        Ok(sender.and_then(|sender| {
            let facts = request.verify(&sender).ok()?;
            Some((sender, facts))
        }))
    }

    /// True if the routes have changed since the request arrived.
    async fn has_changed(&self, url: WebhookUrl<'_>, arrived: Instant) -> Result<bool, Problem> {
        if !url.is_route() {
            return Ok(false);
        }
        match self.senders.routes().recheck(arrived).await {
            Recheck::Changed => Ok(true),
            Recheck::Unchanged => Ok(false),
            Recheck::Unknown => Err(Problem::unavailable(
                "the database is unavailable, so the route cannot be checked",
            )
            .because("routes_unknown")),
        }
    }

    /// Answers once the delivery is committed.
    pub(super) async fn commit(&self, delivery: PackedDelivery) -> Result<Response, Problem> {
        let (route, received_at) = (delivery.route(), delivery.received_at());
        let stored = self.writer.write(delivery).await?;
        let micros = clock::now().micros_since(received_at);
        let after = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        measure::acknowledged(route.as_str(), after, stored.duplicate);
        Ok(Json(Accepted::from(stored)).into_response())
    }
}

impl Unverified {
    /// Verifies the signature, and reads the values that the sender's scheme names.
    fn verify(&self, sender: &Sender) -> Result<Facts, VerifyError> {
        let request = verify::Request::new(
            &sender.scheme,
            &self.headers,
            &self.query,
            &self.body.bytes,
            self.received_at,
        );
        request.verify(&sender.secrets)?;
        Ok(Facts {
            handshake: request.handshake(),
            delivery_id: request.delivery_id(),
            account: match sender.origin.org {
                Some(_) => None,
                None => request.account(),
            },
        })
    }
}

/// 401. The sender learns the kind of the error and no more.
fn refuse(sender: &Sender, error: VerifyError) -> Problem {
    sender.log_refusal(error);
    Problem::new(StatusCode::UNAUTHORIZED).detail(error.to_string())
}
