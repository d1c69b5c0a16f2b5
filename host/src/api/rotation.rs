//! The rotation of signing secrets: its body, its checks, and how a new secret is stored.

use super::check::{Checks, SECRET_BYTES_MAX};
use super::found::Found as _;
use super::{AppState, Problem, seal_secret};
use crate::clock;
use crate::domain::provider::ProviderKind;
use crate::domain::source::WebhookScheme;
use crate::domain::{OrgId, Timestamp};
use crate::secret::{Secret, generate_webhook_secret};
use crate::store::RouteSubject;
use serde::Deserialize;
use std::time::Duration;
use utoipa::ToSchema;

/// An hour: enough to enter the new secret at the service.
const OVERLAP_SECONDS_DEFAULT: u64 = 3_600;
/// A week.
const OVERLAP_SECONDS_MAX: u64 = 604_800;

/// The new secret of a trigger or an integration.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecretRotation)]
pub(super) struct Rotation {
    /// The new secret, of 1 to 1024 bytes. If absent, one is made and shown once.
    #[schema(value_type = Option<String>, write_only)]
    secret: Option<Secret>,
    /// How long earlier secrets are still accepted, in seconds: 0 to 604800. Use 0 if one
    /// has leaked.
    #[serde(default)]
    #[schema(value_type = u64, default = 3600, maximum = 604800)]
    overlap_seconds: Overlap,
}

/// The time for which earlier secrets stay valid, in seconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Overlap(u64);

impl Default for Overlap {
    fn default() -> Self {
        Self(OVERLAP_SECONDS_DEFAULT)
    }
}

impl Overlap {
    /// Checks the body's `overlap_seconds`.
    pub(super) fn check(self, checks: &mut Checks) {
        checks.number("/overlap_seconds", self.0, 0..=OVERLAP_SECONDS_MAX);
    }

    /// The time until which earlier secrets stay valid.
    pub(super) fn end(self, now: Timestamp) -> Timestamp {
        now + Duration::from_secs(self.0)
    }
}

/// Checks a secret that a body brings.
pub(super) fn check_secret(checks: &mut Checks, secret: Option<&Secret>) {
    let Some(secret) = secret else { return };
    if secret.is_blank() || secret.expose().len() > SECRET_BYTES_MAX {
        let message = format!("expected a secret of 1 to {SECRET_BYTES_MAX} bytes");
        checks.add("/secret", message);
    }
}

impl Rotation {
    /// Fails with 422 if the body is not valid.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        self.overlap_seconds.check(&mut checks);
        check_secret(&mut checks, self.secret.as_ref());
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
            Some(given) => (given, None),
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

/// How the provider's service signs; 409 if the provider takes no webhooks now.
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
