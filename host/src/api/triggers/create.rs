//! Creates triggers.

use super::answer::{self, CreatedTrigger};
use crate::api::automations::yes;
use crate::api::check::Checks;
use crate::api::extract::{JsonBody, PathId};
use crate::api::seal::seal_secret;
use crate::api::{AppState, Problem, Tenant, automations};
use crate::clock;
use crate::domain::provider::ProviderKind;
use crate::domain::resource::TriggerKind;
use crate::domain::source::WebhookSource;
use crate::domain::{AutomationId, IntegrationId, OrgId, TriggerId};
use crate::provider::Provider;
use crate::secret::{generate_token, generate_webhook_secret};
use crate::store::{NewTrigger, Signal, TriggerAutomation};
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
    automation_id: Option<AutomationId>,
    /// For people: 1 to 200 characters.
    name: String,
    /// Whose events: a provider that is registered and switched on.
    provider: String,
    /// What makes it fire: `webhook`.
    #[schema(value_type = TriggerKind)]
    kind: String,
    /// The account whose deliveries it sees, besides those to its own URL.
    integration_id: Option<IntegrationId>,
    /// Which events it wants, after the provider's schema. Absent: `{}`.
    #[serde(default = "wants_all")]
    #[schema(value_type = Object)]
    config: Value,
    /// A disabled trigger sees nothing.
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
}

fn wants_all() -> Value {
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
    let provider = checks.provider(state.registry(), &new.provider);
    let source = provider
        .as_ref()
        .and_then(|provider| check_provider(&mut checks, provider, &new.config));
    if let Some(integration) = new.integration_id {
        check_integration(&mut checks, state, org, integration, &new.provider).await?;
    }
    checks.done()?;
    let (Some(kind), Some(source)) = (kind, source) else {
        // Whatever is missing has added an error above.
        return Err(Problem::internal());
    };

    let secret = generate_webhook_secret(&source);
    let token = generate_token();
    let new = NewTrigger {
        id: TriggerId::new(),
        automation: match new.automation_id {
            Some(id) => TriggerAutomation::Existing(id),
            None => TriggerAutomation::New(name.clone()),
        },
        name,
        provider: new.provider,
        kind,
        integration: new.integration_id,
        config: new.config,
        enabled: new.enabled,
        token: token.clone(),
        secret: seal_secret(state.master_key(), &secret),
    };
    let trigger = state
        .store()
        .create_trigger(org, &new, clock::now())
        .await?;
    state.signals().raise(Signal::Routes);
    let created = CreatedTrigger {
        trigger,
        webhook_url: answer::webhook_url(state, Some(token)),
        webhook_secret: secret.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

fn check_kind(checks: &mut Checks, kind: &str) -> Option<TriggerKind> {
    let parsed = kind.parse().ok();
    if parsed.is_none() {
        checks.add(
            "/kind",
            format!(
                "expected {}, which this release supports",
                TriggerKind::Webhook
            ),
        );
    }
    parsed
}

/// Checks that the provider takes webhooks and understands the configuration.
fn check_provider(
    checks: &mut Checks,
    provider: &Arc<Provider>,
    config: &Value,
) -> Option<WebhookSource> {
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
