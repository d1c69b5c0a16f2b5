//! Liveness and readiness of this process.

use super::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The longest time that a readiness check waits for the database, in milliseconds.
const DATABASE_MS_MAX: u64 = 2_000;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(livez))
        .routes(routes!(readyz))
}

/// The state of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum HealthState {
    /// The component works.
    Ok,
    /// The component does not work, or not yet.
    Unavailable,
}

impl From<bool> for HealthState {
    fn from(works: bool) -> Self {
        if works { Self::Ok } else { Self::Unavailable }
    }
}

/// The process is alive.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Always `ok`.
    status: HealthState,
}

/// Readiness to take requests, with its reasons.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// `ok` if the process takes requests.
    status: HealthState,
    /// `ok` if the database answers within 2 seconds.
    database: HealthState,
    /// Always `ok`: the process listens only after it has loaded the registry.
    registry: HealthState,
    /// The number of enabled providers.
    providers: usize,
    /// True while the process shuts down.
    stopping: bool,
}

/// Check that the process is alive
#[utoipa::path(get, path = "/health", tag = "health",
    responses((status = OK, description = "The process is alive", body = Health)))]
async fn health() -> Json<Health> {
    Json(Health {
        status: HealthState::Ok,
    })
}

/// Check that the process is alive
///
/// A liveness probe: restart a process that does not answer.
#[utoipa::path(get, path = "/livez", tag = "health",
    responses((status = OK, description = "The process is alive", body = Health)))]
async fn livez() -> Json<Health> {
    health().await
}

/// Check that the process takes requests
///
/// A readiness probe: send requests elsewhere after 503.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses(
        (status = OK, description = "Ready", body = Readiness),
        (status = SERVICE_UNAVAILABLE, description = "Not ready", body = Readiness)))]
async fn readyz(State(state): State<AppState>) -> (StatusCode, Json<Readiness>) {
    let time = Duration::from_millis(DATABASE_MS_MAX);
    let ping = tokio::time::timeout(time, state.store().ping()).await;
    let database = matches!(ping, Ok(Ok(())));
    let stopping = state.leaving().is_cancelled();
    let ready = database && !stopping;
    let status = match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let providers = state.registry().iter();
    let readiness = Readiness {
        status: ready.into(),
        database: database.into(),
        registry: HealthState::Ok,
        providers: providers.filter(|provider| provider.is_enabled()).count(),
        stopping,
    };
    (status, Json(readiness))
}
