//! `/v1/sinks`: where an organization's messages are sent.
//!
//! An organization has at most one sink. While it has none that is enabled, consumers
//! claim its messages.
//!
//! Owns: the bodies and answers of sinks, and the check of their addresses.
//! Never does: send a message.

mod body;
mod handlers;
mod rotate;

use super::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(handlers::create_sink, handlers::list_sinks))
        .routes(routes!(
            handlers::get_sink,
            handlers::update_sink,
            handlers::delete_sink
        ))
        .routes(routes!(rotate::rotate_sink_secret))
}
