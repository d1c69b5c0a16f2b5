//! The rotation of signing secrets: its body, its checks, and how a new secret is stored.

use super::check::Checks;
use super::found::Found as _;
use super::values::{WebhookSecret, WholeNumber as _, whole};
use super::{AppState, Problem, seal_secret};
use crate::clock;
use crate::domain::provider::ProviderKind;
use crate::domain::source::WebhookScheme;
use crate::domain::{OrgId, Timestamp};
use crate::secret::generate_webhook_secret;
use crate::store::RouteSubject;
use serde::Deserialize;
use std::time::Duration;
use utoipa::ToSchema;

/// An hour: enough to enter the new secret at the service.
const OVERLAP_SECONDS_DEFAULT: u64 = 3_600;

/// The new secret of a trigger or an integration.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecretRotation)]
pub(super) struct Rotation {
    /// The new secret, of 1 to 1024 bytes. If absent, one is made and shown once.
    secret: Option<WebhookSecret>,
    /// Seconds for which earlier secrets are still accepted: 0 to 604800. Use 0 if one
    /// has leaked.
    #[serde(default)]
    #[schema(default = 3600)]
    overlap_seconds: OverlapSeconds,
}

whole!(/// The time for which earlier secrets stay valid: at most a week.
    OverlapSeconds, 0, 604_800);

impl Default for OverlapSeconds {
    fn default() -> Self {
        Self(OVERLAP_SECONDS_DEFAULT)
    }
}

impl OverlapSeconds {
    /// The time until which earlier secrets stay valid.
    pub(super) fn end(self, now: Timestamp) -> Timestamp {
        now + Duration::from_secs(self.0)
    }
}

impl Rotation {
    /// Fails with 422 if the body is not valid.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        self.overlap_seconds.check(&mut checks, "/overlap_seconds");
        if let Some(secret) = &self.secret {
            secret.check(&mut checks);
        }
        checks.done()
    }

    /// Stores the body's secret, or a new one, as the live secret of `subject`. Returns a
    /// new one as text, which is shown once.
    pub(super) async fn apply(
        self,
        state: &AppState,
        org: &OrgId,
        subject: RouteSubject,
        provider: &str,
    ) -> Result<Option<String>, Problem> {
        let scheme = webhook_scheme(state, provider)?;
        let (secret, made) = match self.secret {
            Some(given) => (given.into_secret(), None),
            None => {
                let made = generate_webhook_secret(&scheme);
                let shown = made.expose().to_owned();
                (made, Some(shown))
            }
        };
        let now = clock::now();
        let sealed = seal_secret(state.master_key(), &secret);
        let old_until = self.overlap_seconds.end(now);
        let rotated = state
            .store()
            .rotate_secret(org, subject, &sealed, old_until, now);
        rotated.await?.or_404(match subject {
            RouteSubject::Trigger(_) => "trigger",
            RouteSubject::Integration(_) => "integration",
        })?;
        Ok(made)
    }
}

/// The provider's signature scheme; 409 if the provider takes no webhooks now.
fn webhook_scheme(state: &AppState, provider: &str) -> Result<WebhookScheme, Problem> {
    let registered = state
        .registry()
        .get(provider)
        .ok_or_else(|| Problem::conflict(format!("the provider {provider} is not registered")))?;
    let info = registered.info();
    info.webhook
        .clone()
        .filter(|_| info.kinds.contains(&ProviderKind::Webhook))
        .ok_or_else(|| Problem::conflict(format!("the provider {provider} takes no webhooks")))
}
