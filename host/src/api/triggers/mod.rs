//! `/v1/triggers`: which events start which automation.
//!
//! Owns: the bodies and answers of triggers, and the rules between the fields of a
//! trigger, its kind, its provider and its integration.
//! Never does: fire a trigger, or match an event.

mod answer;
mod body;
mod check;
mod dry_run;
mod handlers;
mod rotate;
mod timing;

use super::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(handlers::create_trigger, handlers::list_triggers))
        .routes(routes!(
            handlers::get_trigger,
            handlers::update_trigger,
            handlers::delete_trigger
        ))
        .routes(routes!(rotate::rotate_trigger_secret))
        .routes(routes!(dry_run::dry_run_trigger))
        .routes(routes!(
            handlers::create_automation_trigger,
            handlers::list_automation_triggers
        ))
}
