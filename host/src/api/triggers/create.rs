//! Creates triggers.

use super::answer::{self, CreatedTrigger};
use super::fields::check_fields;
use super::poll::check_poll;
use crate::api::automations::yes;
use crate::api::check::Checks;
use crate::api::extract::{JsonBody, PathId, present};
use crate::api::schedules::{ZONE_DEFAULT, check_cron};
use crate::api::seal::seal_secret;
use crate::api::{AppState, Problem, Tenant, automations};
use crate::clock;
use crate::domain::provider::ProviderKind;
use crate::domain::resource::TriggerKind;
use crate::domain::schedule::{self, MissedTicks, Schedule};
use crate::domain::source::WebhookScheme;
use crate::domain::{AutomationId, IntegrationId, OrgId, ScheduleId, TriggerId};
use crate::provider::Provider;
use crate::secret::{generate_token, generate_webhook_secret};
use crate::store::{NewTrigger, Signal, TickTiming, TriggerAutomation, TriggerDoor};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// A trigger to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTrigger)]
pub(super) struct Creation {
    /// What it runs. Where it is absent, an automation of the trigger's name is
    /// created with it.
    pub(super) automation_id: Option<AutomationId>,
    /// For people: 1 to 200 characters.
    pub(super) name: String,
    /// What makes it fire: `webhook`, `polling` or `scheduled`.
    #[schema(value_type = TriggerKind)]
    pub(super) kind: String,
    /// Whose events, of a webhook or polling trigger: a provider that is registered and
    /// switched on.
    pub(super) provider: Option<String>,
    /// The account whose deliveries a webhook trigger sees, besides those to its own
    /// URL; or the one that a polling trigger has asked, which must be there.
    pub(super) integration_id: Option<IntegrationId>,
    /// Which events a webhook or polling trigger wants, after the provider's schema. Absent: `{}`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object, nullable = false, required = false)]
    pub(super) config: Option<Value>,
    /// Seconds between two polls of a polling trigger, if it has no cron; what its
    /// provider suggests if absent. The shortest interval of an integration's triggers
    /// counts for all of them.
    pub(super) poll_interval_seconds: Option<u32>,
    /// When a scheduled trigger fires: five fields, or six with seconds first, as a
    /// schedule has them. Either this or `schedule_id`. When a polling trigger asks,
    /// instead of an interval.
    pub(super) cron: Option<String>,
    /// The IANA time zone of `cron`; UTC if absent.
    pub(super) timezone: Option<String>,
    /// The schedule that a scheduled trigger follows: one of its automation's.
    pub(super) schedule_id: Option<ScheduleId>,
    /// What becomes of ticks that were due while nothing ran; the last one starts a
    /// run if absent.
    pub(super) missed_ticks: Option<MissedTicks>,
    /// A disabled trigger sees nothing.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub(super) enabled: bool,
}

impl Creation {
    fn check_fields(&self, checks: &mut Checks, kind: TriggerKind) {
        let fields = [
            ("/provider", self.provider.is_some()),
            ("/integration_id", self.integration_id.is_some()),
            ("/config", self.config.is_some()),
            (
                "/poll_interval_seconds",
                self.poll_interval_seconds.is_some(),
            ),
            ("/cron", self.cron.is_some()),
            ("/timezone", self.timezone.is_some()),
            ("/schedule_id", self.schedule_id.is_some()),
            ("/missed_ticks", self.missed_ticks.is_some()),
        ];
        check_fields(checks, kind, &fields);
    }
}

pub(super) fn wants_all() -> Value {
    Value::Object(serde_json::Map::new())
}

/// Create a trigger
///
/// Its automation is created with it if none is named. The secret is shown this
/// once.
#[utoipa::path(post, path = "/v1/triggers", tag = "triggers", request_body = Creation,
    responses((status = CREATED, description = "Created", body = CreatedTrigger)))]
pub(super) async fn create_trigger(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    JsonBody(new): JsonBody<Creation>,
) -> Result<(StatusCode, Json<CreatedTrigger>), Problem> {
    create(&state, &org, new).await
}

/// Create a trigger of an automation
#[utoipa::path(post, path = "/v1/automations/{id}/triggers", tag = "triggers",
    params(("id" = AutomationId, Path)), request_body = Creation,
    responses((status = CREATED, description = "Created", body = CreatedTrigger)))]
pub(super) async fn create_automation_trigger(
    tenant: Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<AutomationId>,
    JsonBody(mut new): JsonBody<Creation>,
) -> Result<(StatusCode, Json<CreatedTrigger>), Problem> {
    automations::require(&state, &tenant, id).await?;
    if new.automation_id.is_some_and(|named| named != id) {
        let mut checks = Checks::default();
        checks.add("/automation_id", "is not the automation of the URL");
        checks.done()?;
    }
    new.automation_id = Some(id);
    create(&state, &tenant.0, new).await
}

async fn create(
    state: &AppState,
    org: &OrgId,
    new: Creation,
) -> Result<(StatusCode, Json<CreatedTrigger>), Problem> {
    let mut checks = Checks::default();
    let name = checks.name("/name", &new.name);
    let kind = check_kind(&mut checks, &new.kind);
    if let Some(kind) = kind {
        new.check_fields(&mut checks, kind);
    }
    // All errors at once, also beside a kind that is none.
    let webhook = match kind {
        Some(TriggerKind::Webhook) => check_webhook(&mut checks, state, org, &new).await?,
        None if new.provider.is_some() => check_webhook(&mut checks, state, org, &new).await?,
        _ => None,
    };
    let clock = match kind {
        Some(TriggerKind::Scheduled) => check_clock(&mut checks, state, org, &new).await?,
        _ => None,
    };
    let poll = match kind {
        Some(TriggerKind::Polling) => check_poll(&mut checks, state, org, &new).await?,
        _ => None,
    };
    checks.done()?;
    // Whatever is missing has added an error above.
    let kind = kind.ok_or_else(Problem::internal)?;
    let door = webhook.map(|source| {
        let secret = generate_webhook_secret(&source);
        let door = TriggerDoor {
            token: generate_token(),
            secret: seal_secret(state.master_key(), &secret),
        };
        (door, secret)
    });
    let (door, secret) = door.unzip();
    let token = door.as_ref().map(|door| door.token.clone());
    let new = NewTrigger {
        id: TriggerId::new(),
        automation: match new.automation_id {
            Some(id) => TriggerAutomation::Existing(id),
            None => TriggerAutomation::New(name.clone()),
        },
        name,
        provider: new.provider.unwrap_or_else(|| schedule::PROVIDER.into()),
        kind,
        integration: new.integration_id,
        config: new.config.unwrap_or_else(wants_all),
        enabled: new.enabled,
        door,
        clock,
        poll,
    };
    let trigger = state
        .store()
        .create_trigger(org, &new, clock::now())
        .await?;
    state.signals().raise(Signal::Routes);
    if kind == TriggerKind::Polling {
        state.signals().raise(Signal::Polls);
    }
    let created = CreatedTrigger {
        trigger,
        webhook_url: answer::webhook_url(state, token),
        webhook_secret: secret.map(|secret| secret.expose().to_owned()),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// A manual trigger is made with the first run by hand.
fn check_kind(checks: &mut Checks, kind: &str) -> Option<TriggerKind> {
    let kind = kind
        .parse()
        .ok()
        .filter(|kind| *kind != TriggerKind::Manual);
    if kind.is_none() {
        checks.add("/kind", "expected webhook, polling or scheduled");
    }
    kind
}

async fn check_webhook(
    checks: &mut Checks,
    state: &AppState,
    org: &OrgId,
    new: &Creation,
) -> Result<Option<WebhookScheme>, Problem> {
    let Some(id) = &new.provider else {
        checks.add("/provider", "expected the id of a provider");
        return Ok(None);
    };
    let config = new.config.clone().unwrap_or_else(wants_all);
    let source = checks
        .provider(state.registry(), id)
        .and_then(|provider| check_provider(checks, &provider, &config));
    if let Some(integration) = new.integration_id {
        check_integration(checks, state, org, integration, id).await?;
    }
    Ok(source)
}

async fn check_clock(
    checks: &mut Checks,
    state: &AppState,
    org: &OrgId,
    new: &Creation,
) -> Result<Option<TickTiming>, Problem> {
    let cron = match (&new.cron, new.schedule_id) {
        (Some(cron), None) => {
            let zone = new.timezone.as_deref().unwrap_or(ZONE_DEFAULT);
            check_cron(checks, cron, zone)
        }
        (None, Some(id)) => {
            if new.timezone.is_some() {
                checks.add("/timezone", "is the schedule's");
            }
            let schedule = state.store().schedule(org, id).await?;
            let is_its = |schedule: &Schedule| Some(schedule.automation_id) == new.automation_id;
            if !schedule.as_ref().is_some_and(is_its) {
                checks.add(
                    "/schedule_id",
                    "no such schedule of the trigger's automation",
                );
            }
            None
        }
        _ => {
            checks.add("/cron", "expected either a cron or a schedule_id");
            None
        }
    };
    Ok(Some(TickTiming {
        cron,
        schedule: new.schedule_id,
        missed_ticks: new.missed_ticks.unwrap_or_default(),
    }))
}

/// Checks that the provider takes webhooks and understands the configuration.
fn check_provider(
    checks: &mut Checks,
    provider: &Arc<Provider>,
    config: &Value,
) -> Option<WebhookScheme> {
    checks.config(provider, config);
    let info = provider.info();
    let source = info
        .webhook
        .clone()
        .filter(|_| info.kinds.contains(&ProviderKind::Webhook));
    if source.is_none() {
        checks.add("/provider", "takes no webhooks");
    }
    source
}

/// Checks that the organization has this integration, and of the same provider.
pub(super) async fn check_integration(
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
                "is an integration of {}, the trigger one of {provider}",
                integration.provider
            ),
        ),
        Some(_) => {}
    }
    Ok(())
}
