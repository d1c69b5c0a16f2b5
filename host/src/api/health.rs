//! Whether this process lives, and whether requests should be sent to it.

use super::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How long the database may take to answer, in milliseconds.
const DATABASE_MS_MAX: u64 = 2_000;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(livez))
        .routes(routes!(readyz))
}

/// Whether something works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum HealthState {
    /// It does.
    Ok,
    /// It does not, or not yet.
    Unavailable,
}

impl From<bool> for HealthState {
    fn from(works: bool) -> Self {
        if works { Self::Ok } else { Self::Unavailable }
    }
}

/// That the process lives.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `ok`.
    status: HealthState,
}

/// Whether requests should be sent here, and what stands against it.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// All of what follows.
    status: HealthState,
    /// Whether the database answers in time.
    database: HealthState,
    /// Whether the registry is loaded: a process takes no requests before.
    registry: HealthState,
    /// Providers that can run.
    providers: usize,
    /// Whether the process is about to end.
    stopping: bool,
}

/// Whether the process lives
#[utoipa::path(get, path = "/health", tag = "health",
    responses((status = OK, description = "It does", body = Health)))]
async fn health() -> Json<Health> {
    Json(Health {
        status: HealthState::Ok,
    })
}

/// Whether the process lives
///
/// A restart helps where this does not answer.
#[utoipa::path(get, path = "/livez", tag = "health",
    responses((status = OK, description = "It does", body = Health)))]
async fn livez() -> Json<Health> {
    health().await
}

/// Whether requests should be sent here
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses(
        (status = OK, description = "They should", body = Readiness),
        (status = SERVICE_UNAVAILABLE, description = "Not now", body = Readiness)))]
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
