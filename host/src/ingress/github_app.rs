//! The one URL of a GitHub App: news about its installations, and the deliveries of
//! all of them.

use super::body::HeldBody;
use super::delivery::{IngressState, too_many};
use super::lifecycle::{DeliveryOrNewsAnswers, LifecycleAnswer, Schemas, refuse, require_secrets};
use super::rate::SourceKey;
use super::target::Target;
use crate::clock;
use crate::domain::delivery::NewDelivery;
use crate::domain::integration::ConnectionNews;
use crate::domain::source::{Locator, VerificationScheme, WebhookScheme};
use crate::domain::{DeliveryId, Timestamp};
use crate::http::Problem;
use crate::store::{LifecycleNews, LifecycleSubject, PackedDelivery};
use crate::verify;
use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use std::sync::LazyLock;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// The provider of the integrations whose account is an installation.
const PROVIDER: &str = "github";

static SOURCE: LazyLock<WebhookScheme> = LazyLock::new(|| WebhookScheme {
    verification: vec![VerificationScheme::hmac_sha256_hex(
        "x-hub-signature-256",
        "sha256=",
    )],
    delivery_id: vec![Locator::Header("x-github-delivery".into())],
    account: vec![],
    handshakes: vec![],
});

pub(super) fn router() -> OpenApiRouter<IngressState> {
    OpenApiRouter::with_openapi(Schemas::openapi()).routes(routes!(deliver_from_github_app))
}

/// Deliver from a GitHub App
///
/// Signed with the App's webhook secret. An installation that is deleted, suspended
/// or resumed gives the integration whose `account` is its id another status. Every
/// delivery is then taken as one to `/webhooks/direct/github`.
#[utoipa::path(post, path = "/api/webhooks/github-app", operation_id = "deliver_from_github_app", tag = "webhooks",
    request_body(content_type = "application/json", description = "What GitHub sends, byte for byte"),
    responses(
        DeliveryOrNewsAnswers,
        (status = 404, description = "The provider is not registered, and it is no news about an installation",
            body = Problem, content_type = "application/problem+json")))]
async fn deliver_from_github_app(
    State(state): State<IngressState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let received_at = clock::now();
    let secrets = require_secrets("GitHub App", &state.github_app_secrets)?;
    let source_key = SourceKey::App(PROVIDER.into());
    state.rates.check(&source_key, None).map_err(too_many)?;
    let HeldBody { bytes, room } = state.read(&headers, body).await?;
    let request = verify::Request::new(&SOURCE, &headers, &query, &bytes, received_at);
    if let Err(error) = request.verify(secrets) {
        state.rates.unverified(&source_key).map_err(too_many)?;
        return Err(refuse("GitHub App", error));
    }
    state.rates.take(&source_key, None).map_err(too_many)?;
    let delivery_key = request.delivery_id();
    let news = match headers.get("x-github-event").map(HeaderValue::as_bytes) {
        Some(b"installation") => Event::read(&headers, &bytes),
        _ => None,
    };
    // Registered and switched on: as for a delivery to the provider's own route.
    let Some(target) = Target::App(PROVIDER).resolve(&state, received_at) else {
        return match news {
            Some(event) => Ok(Json(event.apply(&state, None).await?).into_response()),
            None => Err(Problem::not_found("provider")),
        };
    };
    let packed = PackedDelivery::new(NewDelivery {
        id: DeliveryId::new(),
        origin: target.origin,
        delivery_key,
        headers: verify::kept_headers(&[&SOURCE], &headers),
        query,
        body: bytes,
        received_at,
    });
    // From here on the writer's own limit counts.
    drop(room);
    if let Some(event) = news {
        event.apply(&state, packed.door_key()).await?;
    }
    state.commit(packed).await
}

/// The part of an `installation` event that matters here. Everything may be missing or
/// of another type: the delivery is stored all the same, and its provider says what
/// is wrong with it.
#[derive(Debug, Deserialize)]
struct Event {
    action: String,
    installation: Installation,
}

#[derive(Debug, Deserialize)]
struct Installation {
    id: u64,
    /// A text, or a number of seconds: GitHub writes both.
    #[serde(default)]
    updated_at: Value,
}

impl Event {
    fn read(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let is_form = headers.get("content-type").is_some_and(|kind| {
            kind.as_bytes()
                .starts_with(b"application/x-www-form-urlencoded")
        });
        if is_form {
            let (_, json) = form_urlencoded::parse(body).find(|(name, _)| name == "payload")?;
            return serde_json::from_str(&json).ok();
        }
        serde_json::from_slice(body).ok()
    }

    fn updated_at(&self) -> Option<Timestamp> {
        let at = match &self.installation.updated_at {
            Value::String(text) => text.parse::<jiff::Timestamp>().ok()?.as_microsecond(),
            Value::Number(seconds) => seconds.as_i64()?.checked_mul(1_000_000)?,
            _ => return None,
        };
        Some(Timestamp(at))
    }

    async fn apply(
        &self,
        state: &IngressState,
        door_key: Option<Uuid>,
    ) -> Result<LifecycleAnswer, Problem> {
        let (lifecycle, reason, at) = match self.action.as_str() {
            // Final, so its time does not matter; and it is that of the change before.
            "deleted" => (
                ConnectionNews::Deleted,
                Some("the App was uninstalled at GitHub"),
                None,
            ),
            "suspend" => (
                ConnectionNews::Suspended,
                Some("the installation was suspended at GitHub"),
                self.updated_at(),
            ),
            "unsuspend" => (ConnectionNews::Resumed, None, self.updated_at()),
            _ => return Ok(LifecycleAnswer::default()),
        };
        let news = LifecycleNews {
            lifecycle,
            reason: reason.map(str::to_owned),
            at,
            door_key,
        };
        let account = self.installation.id.to_string();
        let subject = LifecycleSubject::Account {
            provider: PROVIDER,
            account: &account,
        };
        state.apply(subject, news).await
    }
}
