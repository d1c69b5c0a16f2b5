//! What the rotations of webhook secrets share: how long the old ones stay good.

use super::check::{Checks, SECRET_BYTES_MAX};
use super::{AppState, Problem};
use crate::clock;
use crate::domain::OrgId;
use crate::domain::provider::ProviderKind;
use crate::domain::source::WebhookScheme;
use crate::secret::{Secret, generate_webhook_secret};
use crate::store::{RouteSubject, Signal};
use std::time::Duration;

/// An hour: time to enter the new secret at the service, where nothing has leaked.
const OVERLAP_SECONDS_DEFAULT: u64 = 3_600;
/// A week.
const OVERLAP_SECONDS_MAX: u64 = 604_800;

/// The overlap of a body that names none.
pub(super) fn overlap_default() -> u64 {
    OVERLAP_SECONDS_DEFAULT
}

/// Checks the overlap of a body.
pub(super) fn check_overlap(checks: &mut Checks, seconds: u64) {
    checks.number("/overlap_seconds", seconds, 0..=OVERLAP_SECONDS_MAX);
}

/// Checks a secret that a body brings.
pub(super) fn check_secret(checks: &mut Checks, secret: Option<&Secret>) {
    let Some(secret) = secret else { return };
    if secret.is_blank() || secret.expose().len() > SECRET_BYTES_MAX {
        let message = format!("expected a secret of 1 to {SECRET_BYTES_MAX} bytes");
        checks.add("/secret", message);
    }
}

/// What a secret for a provider must look like; 409 if it takes no webhooks now.
fn webhook_source(state: &AppState, provider: &str) -> Result<WebhookScheme, Problem> {
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

/// The secret that a body brings; or a new one, also as the text to be shown this
/// once.
pub(super) fn given_or_made(
    state: &AppState,
    provider: &str,
    given: Option<Secret>,
) -> Result<(Secret, Option<String>), Problem> {
    let source = webhook_source(state, provider)?;
    if let Some(given) = given {
        return Ok((given, None));
    }
    let made = generate_webhook_secret(&source);
    let shown = made.expose().to_owned();
    Ok((made, Some(shown)))
}

/// Makes `secret` live; those before are accepted for `overlap_seconds` more.
pub(super) async fn rotate(
    state: &AppState,
    org: &OrgId,
    subject: RouteSubject,
    secret: &Secret,
    overlap_seconds: u64,
) -> Result<(), Problem> {
    let now = clock::now();
    let sealed = super::seal_secret(state.master_key(), secret);
    let old_until = now + Duration::from_secs(overlap_seconds);
    let found = state
        .store()
        .rotate_secret(org, subject, &sealed, old_until, now)
        .await?;
    if !found {
        return Err(Problem::not_found(match subject {
            RouteSubject::Trigger(_) => "trigger",
            RouteSubject::Integration(_) => "integration",
        }));
    }
    state.signals().raise(Signal::Routes);
    Ok(())
}
