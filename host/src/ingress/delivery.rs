//! One delivery at the door: whose it is, whether it is signed rightly, and what
//! is answered.

use super::body::{BodyError, HeldBody, ReadingRoom};
use super::rate::{Exceeded, RateLimits};
use super::routes::{Recheck, RouteTable};
use super::target::{Resolved, Target};
use super::writer::{InboxWriter, WriteError};
use crate::clock;
use crate::domain::delivery::{Header, NewDelivery};
use crate::domain::trace::TraceParent;
use crate::domain::{DeliveryId, Timestamp};
use crate::http::Problem;
use crate::measure;
use crate::provider::Registry;
use crate::secret::Secret;
use crate::store::{PackedDelivery, Store};
use crate::telemetry::continue_trace;
use crate::verify;
use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{Instrument, Span};
use utoipa::ToSchema;

/// What a sender should wait before trying again, in seconds.
const RETRY_AFTER_SECONDS: u64 = 1;

/// What the webhook routes need; cheap to clone.
#[derive(Clone)]
pub struct IngressState {
    /// The providers.
    pub registry: Arc<Registry>,
    /// The secrets of each provider's app.
    pub app_secrets: Arc<HashMap<String, Vec<Arc<Secret>>>>,
    /// With one of which Nango signs.
    pub nango_keys: Arc<[Secret]>,
    /// With one of which deliveries to the operator's GitHub App are signed.
    pub github_app_secrets: Arc<[Secret]>,
    /// For what services say about connections and installations.
    pub store: Store,
    /// The routes.
    pub routes: RouteTable,
    /// The writer.
    pub writer: InboxWriter,
    /// Room for the bodies that are being read.
    pub reading: ReadingRoom,
    /// How many deliveries a source may send.
    pub rates: RateLimits,
    /// A longer body is refused.
    pub body_bytes_max: usize,
    /// A slower request is refused.
    pub request_timeout: Duration,
}

/// The answer to a delivery that is committed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Accepted {
    /// The delivery: the first one, if this one repeats it.
    id: DeliveryId,
    /// Whether it had been committed before.
    duplicate: bool,
}

/// What a verified request turned out to be.
enum Verified {
    /// To be answered with this text, and stored nowhere.
    Handshake(String),
    /// To be stored.
    Delivery {
        delivery_key: Option<String>,
        headers: Vec<Header>,
        query: String,
    },
}

impl IngressState {
    pub(super) async fn deliver(
        &self,
        target: Target<'_>,
        what: &'static str,
        headers: HeaderMap,
        query: Option<String>,
        body: Body,
    ) -> Response {
        let received_at = clock::now();
        let span = deliver_span(&headers);
        match self
            .try_deliver(
                &target,
                what,
                received_at,
                &headers,
                query.unwrap_or_default(),
                body,
            )
            .instrument(span)
            .await
        {
            Ok(response) => response,
            Err(problem) => problem.into_response(),
        }
    }

    async fn try_deliver(
        &self,
        target: &Target<'_>,
        what: &'static str,
        received_at: Timestamp,
        headers: &HeaderMap,
        query: String,
        body: Body,
    ) -> Result<Response, Problem> {
        let arrived = Instant::now();
        let mut resolved = target.resolve(self, received_at);
        if resolved.is_none() && self.recheck(target, arrived).await? {
            resolved = target.resolve(self, received_at);
        }
        let resolved = resolved.ok_or_else(|| Problem::not_found(what))?;
        // An app's secrets are configuration: without any, no body takes any room.
        if matches!(target, Target::App(_)) && resolved.secrets.iter().all(|s| s.is_blank()) {
            return Err(refuse(&resolved, verify::VerifyError::NoSecret));
        }
        let (source, org) = (resolved.source_key(), resolved.origin.org.clone());
        self.rates.check(&source, org.as_ref()).map_err(too_many)?;
        let body = self.read(headers, body).await?;

        let check = |resolved| self.check(resolved, headers, &query, &body.bytes, received_at);
        let refusal = match check(&resolved) {
            Ok(verified) => return self.answer(resolved, verified, body, received_at).await,
            Err(refusal) => refusal,
        };
        self.rates.unverified(&source).map_err(too_many)?;
        // The secret may have been replaced on another replica just now.
        if self.recheck(target, arrived).await?
            && let Some(again) = target.resolve(self, received_at)
            && let Ok(verified) = check(&again)
        {
            return self.answer(again, verified, body, received_at).await;
        }
        Err(refuse(&resolved, refusal))
    }

    /// Whether another look at the routes is worth it: they have changed since the
    /// request arrived.
    async fn recheck(&self, target: &Target<'_>, arrived: Instant) -> Result<bool, Problem> {
        // The secrets of an app are configuration.
        if matches!(target, Target::App(_)) {
            return Ok(false);
        }
        match self.routes.recheck(arrived).await {
            Recheck::Changed => Ok(true),
            Recheck::Unchanged => Ok(false),
            Recheck::Unknown => Err(unavailable(
                "the database is unavailable, so it is not known whether this is to be taken",
            )
            .because("routes_unknown")),
        }
    }

    /// Verifies, and reads everything that the description asks for.
    fn check(
        &self,
        resolved: &Resolved,
        headers: &HeaderMap,
        query: &str,
        body: &[u8],
        received_at: Timestamp,
    ) -> Result<Verified, verify::VerifyError> {
        let source = resolved.source().ok_or(verify::VerifyError::NoScheme)?;
        let request = verify::Request::new(source, headers, query, body, received_at);
        request.verify(&resolved.secrets)?;
        Ok(match request.handshake() {
            Some(answer) => Verified::Handshake(answer),
            None => Verified::Delivery {
                delivery_key: request.delivery_id(),
                headers: verify::kept_headers(&[source], headers),
                query: verify::kept_query(&[source], query),
            },
        })
    }

    pub(super) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<HeldBody, Problem> {
        let announced = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        let read = self.reading.read(body, announced, self.body_bytes_max);
        match tokio::time::timeout(self.request_timeout, read).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(BodyError::TooLarge)) => Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE)
                .detail(format!(
                    "expected a body of at most {} bytes",
                    self.body_bytes_max
                ))),
            Ok(Err(BodyError::NoRoom)) => {
                Err(unavailable("too many bodies are being read already").because("no_room"))
            }
            Ok(Err(BodyError::Broken)) => Err(Problem::unreadable("the body broke off")),
            Err(_) => Err(Problem::unreadable(format!(
                "the body did not arrive in time: expected it within {} ms",
                self.request_timeout.as_millis()
            ))),
        }
    }

    async fn answer(
        &self,
        resolved: Resolved,
        verified: Verified,
        body: HeldBody,
        received_at: Timestamp,
    ) -> Result<Response, Problem> {
        let (source, org) = (resolved.source_key(), resolved.origin.org.as_ref());
        self.rates.take(&source, org).map_err(too_many)?;
        let (delivery_key, headers, query) = match verified {
            Verified::Delivery {
                delivery_key,
                headers,
                query,
            } => (delivery_key, headers, query),
            // The sender chose this text: no browser may take it for a page.
            Verified::Handshake(answer) => {
                return Ok(([(header::X_CONTENT_TYPE_OPTIONS, "nosniff")], answer).into_response());
            }
        };
        let HeldBody { bytes, room } = body;
        let delivery = NewDelivery {
            id: DeliveryId::new(),
            origin: resolved.origin,
            delivery_key,
            headers,
            query,
            body: bytes,
            received_at,
        };
        let packed = PackedDelivery::new(delivery);
        // From here on the writer's own limit counts.
        drop(room);
        self.commit(packed).await
    }

    /// Answers once it is committed.
    pub(super) async fn commit(&self, delivery: PackedDelivery) -> Result<Response, Problem> {
        let (route, received_at) = (delivery.route(), delivery.received_at());
        match self.writer.write(delivery).await {
            Ok(stored) => {
                let micros = clock::now().micros_since(received_at);
                let after = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
                measure::acknowledged(route.as_str(), after, stored.duplicate);
                Ok(Json(Accepted {
                    id: stored.id,
                    duplicate: stored.duplicate,
                })
                .into_response())
            }
            Err(error @ WriteError::Full) => {
                Err(unavailable(error.to_string()).because("queue_full"))
            }
            Err(error @ WriteError::Failed) => {
                Err(unavailable(error.to_string()).because("not_committed"))
            }
        }
    }
}

/// A part of the sender's trace, if it says so. Its word is not verified yet, but a trace
/// is all that it decides.
fn deliver_span(headers: &HeaderMap) -> Span {
    let span = tracing::debug_span!("deliver");
    let mut said = headers.get_all("traceparent").iter();
    if let (Some(value), None) = (said.next(), said.next())
        && let Some(trace) = value.to_str().ok().and_then(TraceParent::parse)
    {
        continue_trace(&span, &trace);
    }
    span
}

pub(super) fn too_many(exceeded: Exceeded) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS)
        .detail(exceeded.detail)
        .retry_after(exceeded.retry_after_seconds())
        .because(exceeded.cause)
}

fn unavailable(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE)
        .detail(detail)
        .retry_after(RETRY_AFTER_SECONDS)
}

/// Says that it was refused, and logs why, without what was sent. A sender learns
/// only the kind of the error.
fn refuse(resolved: &Resolved, error: verify::VerifyError) -> Problem {
    tracing::info!(
        provider.id = resolved.origin.provider,
        trigger.id = resolved.origin.trigger.map(tracing::field::display),
        integration.id = resolved.origin.integration.map(tracing::field::display),
        %error,
        "refused a delivery that could not be verified"
    );
    Problem::new(StatusCode::UNAUTHORIZED).detail(error.to_string())
}
