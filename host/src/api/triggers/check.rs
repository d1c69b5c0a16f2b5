//! Turns the bodies of triggers into what the store writes, or reports their errors.
//!
//! Owns: the rules between a trigger's kind, provider, integration and filter. `timing`
//! has the rules of cron, schedule and interval.
//! Never does: write.

use super::body::{Change, Creation, check_fields};
use super::timing::{ChangedTiming, clock_of_change, clock_of_new, poll_of_change, poll_of_new};
use crate::api::check::Checks;
use crate::api::seal::seal_secret;
use crate::api::{AppState, Problem};
use crate::domain::patch::Patch;
use crate::domain::provider::ProviderKind;
use crate::domain::resource::{Trigger, TriggerKind};
use crate::domain::schedule;
use crate::domain::source::WebhookScheme;
use crate::domain::{IntegrationId, OrgId, TriggerId};
use crate::secret::{Secret, generate_token, generate_webhook_secret};
use crate::store::{
    NewTrigger, TickTiming, TriggerAutomation, TriggerPatch, TriggerPoll, WebhookEndpoint,
};

/// The source of a new trigger's events.
enum Source {
    Webhook(WebhookScheme),
    Clock(TickTiming),
    Poll(TriggerPoll),
}

/// Checks a new trigger. Returns it with the secret of its URL, if it has one.
///
/// All errors are reported together.
pub(super) async fn check_creation(
    state: &AppState,
    org: &OrgId,
    body: Creation,
) -> Result<(NewTrigger, Option<Secret>), Problem> {
    let mut checks = Checks::default();
    let name = body.name.check(&mut checks, "/name");
    let kind = body.kind.check(&mut checks);
    if let Some(kind) = kind {
        check_fields(&mut checks, kind, &body.given());
    }
    let source = match kind {
        Some(TriggerKind::Webhook) => check_webhook(&mut checks, state, org, &body).await?,
        Some(TriggerKind::Scheduled) => {
            let clock = clock_of_new(&mut checks, state, org, &body).await?;
            Some(Source::Clock(clock))
        }
        Some(TriggerKind::Polling) => check_poll(&mut checks, state, org, &body).await?,
        Some(TriggerKind::Manual) => None,
        // The kind is wrong, and the provider may be wrong too.
        None if body.provider.is_some() => check_webhook(&mut checks, state, org, &body).await?,
        None => None,
    };
    checks.done()?;
    // Whatever is missing has added an error above.
    let (kind, source) = kind.zip(source).ok_or_else(Problem::internal)?;
    let mut new = NewTrigger {
        id: TriggerId::new(),
        automation: match body.automation_id {
            Some(id) => TriggerAutomation::Existing(id),
            None => TriggerAutomation::New(name.clone()),
        },
        config: body.filter(),
        name,
        provider: body.provider.unwrap_or_else(|| schedule::PROVIDER.into()),
        kind,
        integration: body.integration_id,
        enabled: body.enabled,
        endpoint: None,
        clock: None,
        poll: None,
    };
    let mut secret = None;
    match source {
        Source::Webhook(scheme) => {
            let made = generate_webhook_secret(&scheme);
            new.endpoint = Some(WebhookEndpoint {
                token: generate_token(),
                secret: seal_secret(state.master_key(), &made),
            });
            secret = Some(made);
        }
        Source::Clock(clock) => new.clock = Some(clock),
        Source::Poll(poll) => new.poll = Some(poll),
    }
    Ok((new, secret))
}

/// Checks a change of the trigger `before`. All errors are reported together.
pub(super) async fn check_change(
    state: &AppState,
    org: &OrgId,
    before: &Trigger,
    change: Change,
) -> Result<TriggerPatch, Problem> {
    let mut checks = Checks::default();
    check_fields(&mut checks, before.kind, &change.given());
    let timing = match before.kind {
        TriggerKind::Polling => {
            if change.integration_id == Patch::Clear {
                checks.add("/integration_id", "expected the integration to poll");
            }
            poll_of_change(&mut checks, state, before, &change)
        }
        TriggerKind::Scheduled => clock_of_change(&mut checks, state, org, before, &change).await?,
        TriggerKind::Webhook | TriggerKind::Manual => ChangedTiming::default(),
    };
    let name = change.name.map(|name| name.check(&mut checks, "/name"));
    let has_provider = matches!(before.kind, TriggerKind::Webhook | TriggerKind::Polling);
    if let Some(config) = change.config.as_ref().filter(|_| has_provider) {
        // A disabled provider still has its schema.
        match state.registry().get(&before.provider) {
            Some(provider) => checks.config(&provider, config),
            None => checks.add(
                "/config",
                format!("cannot be checked: {} is not registered", before.provider),
            ),
        }
    }
    if let Patch::Set(integration) = change.integration_id {
        check_integration(&mut checks, state, org, integration, &before.provider).await?;
    }
    checks.done()?;
    Ok(TriggerPatch {
        name,
        config: change.config,
        enabled: change.enabled,
        integration: change.integration_id,
        poll_interval_seconds: timing.interval_seconds,
        cron: timing.cron,
        timezone: timing.timezone,
        schedule: change.schedule_id,
        missed_ticks: change.missed_ticks,
    })
}

/// Checks that the provider takes webhooks and understands the filter.
async fn check_webhook(
    checks: &mut Checks,
    state: &AppState,
    org: &OrgId,
    new: &Creation,
) -> Result<Option<Source>, Problem> {
    let Some(id) = check_named(checks, new) else {
        return Ok(None);
    };
    let mut source = None;
    if let Some(provider) = checks.provider(state.registry(), id) {
        checks.config(&provider, &new.filter());
        let info = provider.info();
        let takes_webhooks = info.kinds.contains(&ProviderKind::Webhook);
        source = info.webhook.clone().filter(|_| takes_webhooks);
        if source.is_none() {
            checks.add("/provider", "takes no webhooks");
        }
    }
    if let Some(integration) = new.integration_id {
        check_integration(checks, state, org, integration, id).await?;
    }
    Ok(source.map(Source::Webhook))
}

/// Checks that the provider polls and understands the filter.
async fn check_poll(
    checks: &mut Checks,
    state: &AppState,
    org: &OrgId,
    new: &Creation,
) -> Result<Option<Source>, Problem> {
    let Some(id) = check_named(checks, new) else {
        return Ok(None);
    };
    let mut interval_default = state.config().polling.interval_seconds_min.u32();
    if let Some(provider) = checks.provider(state.registry(), id) {
        checks.config(&provider, &new.filter());
        let info = provider.info();
        let polls = info.kinds.contains(&ProviderKind::Polling);
        match info.polling.as_ref().filter(|_| polls) {
            Some(source) => {
                interval_default = interval_default.max(source.default_interval_seconds);
            }
            None => checks.add("/provider", "does not poll"),
        }
    }
    match new.integration_id {
        Some(integration) => check_integration(checks, state, org, integration, id).await?,
        None => checks.add("/integration_id", "expected the integration to poll"),
    }
    Ok(poll_of_new(checks, state, interval_default, new).map(Source::Poll))
}

/// The provider that the body names.
fn check_named<'a>(checks: &mut Checks, new: &'a Creation) -> Option<&'a str> {
    if new.provider.is_none() {
        checks.add("/provider", "expected the id of a provider");
    }
    new.provider.as_deref()
}

/// Checks that the organization has this integration, and that it is the provider's.
async fn check_integration(
    checks: &mut Checks,
    state: &AppState,
    org: &OrgId,
    id: IntegrationId,
    provider: &str,
) -> Result<(), Problem> {
    match state.store().integration(org, id).await? {
        None => checks.add("/integration_id", "no such integration"),
        Some(integration) if integration.provider != provider => checks.add(
            "/integration_id",
            format!(
                "is an integration of {}, but the trigger is one of {provider}",
                integration.provider
            ),
        ),
        Some(_) => {}
    }
    Ok(())
}
