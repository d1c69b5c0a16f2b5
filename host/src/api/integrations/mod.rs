//! `/v1/integrations`: connections to accounts of services.
//!
//! Owns: the bodies and answers of integrations, and the checks of their credentials.
//! Never does: show a secret. A secret goes in; answers only say that it is set.

mod answer;
mod body;
mod credential_body;
mod handlers;
mod rotate;

use super::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(
            handlers::create_integration,
            handlers::list_integrations
        ))
        .routes(routes!(
            handlers::get_integration,
            handlers::update_integration,
            handlers::delete_integration
        ))
        .routes(routes!(rotate::rotate_integration_secret))
}
