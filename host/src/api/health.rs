//! Liveness and readiness of this process.

use super::AppState;
use crate::http::Problem;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

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
    /// `ok` if the database answers within 2 seconds and takes writes.
    database: HealthState,
    /// `ok` once the process has loaded the registry.
    registry: HealthState,
    /// The number of enabled providers.
    providers: usize,
    /// True while the process starts: it migrates the database, or loads the registry.
    starting: bool,
    /// True while the process shuts down.
    stopping: bool,
    /// Background tasks that ended before their time and are about to start again.
    restarting: Vec<&'static str>,
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
    let database = state.pulse().is_up().await;
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
        starting: false,
        stopping,
        restarting: state.supervisor().restarting(),
    };
    (status, Json(readiness))
}

/// The answers of a process that starts: it is alive and takes no requests.
pub(super) fn starting() -> Router {
    let not_ready = || async {
        let readiness = Readiness {
            status: HealthState::Unavailable,
            database: HealthState::Unavailable,
            registry: HealthState::Unavailable,
            providers: 0,
            starting: true,
            stopping: false,
            restarting: Vec::new(),
        };
        (StatusCode::SERVICE_UNAVAILABLE, Json(readiness))
    };
    let busy = || async { Problem::unavailable("the process is starting") };
    Router::new()
        .route("/health", get(health))
        .route("/livez", get(livez))
        .route("/readyz", get(not_ready))
        .fallback(busy)
}
