//! News about an installation of the App.

use super::PROVIDER;
use crate::domain::Timestamp;
use crate::domain::integration::ConnectionNews;
use crate::http::Problem;
use crate::ingress::answers::NewsAnswer;
use crate::ingress::news;
use crate::store::{LifecycleNews, LifecycleSubject, Store};
use axum::http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// The part of an `installation` event that matters here.
///
/// An event that does not fit is no news. It is stored all the same, and its provider
/// reports what is wrong with it.
#[derive(Debug, Deserialize)]
pub(super) struct InstallationNews {
    action: String,
    installation: Installation,
}

#[derive(Debug, Deserialize)]
struct Installation {
    id: u64,
    /// A text or a number of seconds: GitHub sends both.
    #[serde(default)]
    updated_at: Value,
}

impl InstallationNews {
    /// The news in a delivery, as JSON or as a form. None if it is another event.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        if headers.get("x-github-event").map(HeaderValue::as_bytes) != Some(b"installation") {
            return None;
        }
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

    /// Changes the status of the installation's integration. `delivery` is the digest of
    /// the delivery that brings the news: news from a stored delivery is not applied twice.
    pub(super) async fn apply(
        &self,
        store: &Store,
        delivery: Option<Uuid>,
    ) -> Result<NewsAnswer, Problem> {
        let (lifecycle, reason, at) = match self.action.as_str() {
            // A deletion is final, so its time does not matter. GitHub sends the time of
            // the change before it.
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
            _ => return Ok(NewsAnswer::default()),
        };
        let news = LifecycleNews {
            lifecycle,
            reason: reason.map(str::to_owned),
            at,
            delivery_digest: delivery,
        };
        let account = self.installation.id.to_string();
        let subject = LifecycleSubject::Account {
            provider: PROVIDER,
            account: &account,
        };
        news::apply(store, subject, news).await
    }

    fn updated_at(&self) -> Option<Timestamp> {
        let at = match &self.installation.updated_at {
            Value::String(text) => text.parse::<jiff::Timestamp>().ok()?.as_microsecond(),
            Value::Number(seconds) => seconds.as_i64()?.checked_mul(1_000_000)?,
            _ => return None,
        };
        Some(Timestamp(at))
    }
}
