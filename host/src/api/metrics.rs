//! `/metrics`: the figures of this process and of the queues in the database.

use super::AppState;
use crate::measure::PROMETHEUS_TEXT;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Get metrics in Prometheus' format
///
/// This route needs no key, so do not expose it publicly. It names no tenant.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = OK, description = "Prometheus' text format", body = String,
        content_type = "text/plain")))]
async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    state.sampler().sample(state.pulse()).await;
    (
        [(header::CONTENT_TYPE, PROMETHEUS_TEXT)],
        state.figures().render(),
    )
}
