//! The HTTP API: `/v1` for applications, and the routes that need no key.
//!
//! Owns: authentication, the checks of requests, and the shape of answers. Every route is
//! registered together with its description, so `/openapi.json` describes exactly the
//! routes that exist.
//! Never does: SQL, or a change of status that the store does not offer. Every handler
//! below `/v1` takes [`Tenant`] or [`Caller`] first and passes its organization to every
//! call of the store.

mod auth;
mod automations;
mod check;
mod events;
mod extract;
mod fallback;
mod found;
mod health;
mod hold;
mod inbox;
mod integrations;
mod list;
mod manual;
mod metrics;
mod openapi;
mod outbox;
mod poll_groups;
mod providers;
mod pulse;
mod rotation;
mod runs;
mod sampler;
mod schedules;
mod seal;
mod sinks;
mod state;
mod triggers;
mod values;

pub use crate::http::{FieldError, PROBLEM_JSON, Problem};
pub use auth::{Caller, Tenant};
pub use extract::{API_BODY_BYTES_MAX, JsonBody, OptionalJsonBody, PathId, QueryOf};
pub use seal::seal_secret;
pub use state::AppState;

use crate::config::{Config, Role};
use crate::store::in_call;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{self, Next};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

/// Everything that this process serves, by its roles. `webhooks` are the routes of
/// the ingress role, if this process has it.
pub fn router(state: AppState, webhooks: Option<OpenApiRouter>) -> Router {
    let mut routes = public();
    if state.config().has_role(Role::Api) {
        routes = routes.merge(v1());
    }
    let mut routes = routes.with_state(state.clone());
    if let Some(webhooks) = webhooks {
        routes = routes.merge(webhooks);
    }
    serve(routes, state.config())
}

/// The routes of a process that has not started yet: only `/livez` answers 200.
pub fn starting() -> Router {
    health::starting()
}

/// The routes that need no key.
pub fn public() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(providers::routes())
}

/// The routes below `/v1`, which need an API key.
pub fn v1() -> OpenApiRouter<AppState> {
    let routes = OpenApiRouter::new()
        .merge(automations::routes())
        .merge(manual::routes())
        .merge(schedules::routes())
        .merge(integrations::routes())
        .merge(triggers::routes())
        .merge(poll_groups::routes())
        .merge(events::routes())
        .merge(runs::routes())
        .merge(hold::routes())
        .merge(inbox::routes())
        .merge(outbox::routes())
        .merge(sinks::routes());
    openapi::with_common_answers(routes)
        .layer(DefaultBodyLimit::max(API_BODY_BYTES_MAX))
        // The connections that a request holds count towards its organization.
        .layer(middleware::from_fn(|request: Request, next: Next| {
            in_call(next.run(request))
        }))
}

/// Adds `/openapi.json` and the answers that no handler gives.
fn serve(routes: OpenApiRouter, config: &Config) -> Router {
    let (router, described) = openapi::with_document(routes, config).split_for_parts();
    router
        .merge(openapi::route(&described))
        .fallback(fallback::no_such_route)
        .method_not_allowed_fallback(fallback::no_such_method)
        .layer(CatchPanicLayer::custom(fallback::panicked))
}
