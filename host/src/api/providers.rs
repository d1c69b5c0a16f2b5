//! `/providers`: the registered providers, the only ones that can run here.

use super::found::Found as _;
use super::{AppState, PathId, Problem};
use crate::domain::provider::ProviderInfo;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_providers))
        .routes(routes!(get_provider))
}

/// The registered providers.
#[derive(Debug, Serialize, ToSchema)]
struct Providers {
    /// Providers by id.
    providers: BTreeMap<String, ProviderInfo>,
}

/// List the registered providers
#[utoipa::path(get, path = "/providers", tag = "providers",
    responses((status = OK, description = "All registered providers", body = Providers)))]
async fn list_providers(State(state): State<AppState>) -> Json<Providers> {
    let providers = state.registry().iter().map(|provider| provider.info());
    Json(Providers {
        providers: providers
            .map(|info| (info.id.clone(), info.clone()))
            .collect(),
    })
}

/// Get a registered provider
#[utoipa::path(get, path = "/providers/{id}", tag = "providers", params(("id" = String, Path)),
    responses(
        (status = OK, description = "The provider", body = ProviderInfo),
        (status = NOT_FOUND, description = "No such provider")))]
async fn get_provider(
    State(state): State<AppState>,
    PathId(id): PathId<String>,
) -> Result<Json<ProviderInfo>, Problem> {
    let provider = state.registry().get(&id).or_404("provider")?;
    Ok(Json(provider.info().clone()))
}
