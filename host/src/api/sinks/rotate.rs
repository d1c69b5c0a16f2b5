//! Gives an HTTP sink a new secret.

use super::{SinkWithSecret, found};
use crate::api::check::Checks;
use crate::api::extract::{OptionalJsonBody, PathId};
use crate::api::rotation::{check_overlap, overlap_default};
use crate::api::{AppState, Problem, Tenant, seal_secret};
use crate::clock;
use crate::domain::SinkId;
use crate::domain::sink::SinkKind;
use crate::secret::generate_sink_secret;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use std::time::Duration;
use utoipa::ToSchema;

/// How a sink's secret is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SinkSecretRotation)]
pub(super) struct Rotation {
    /// How long requests are also signed with the secrets before, in seconds: 0 to
    /// 604800.
    #[serde(default = "overlap_default")]
    #[schema(default = 3600, maximum = 604800)]
    overlap_seconds: u64,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            overlap_seconds: overlap_default(),
        }
    }
}

/// Replace a sink's secret
///
/// Requests are signed with the new one at once, and for `overlap_seconds` with those
/// before as well: receivers accept a signature by any secret that they know.
#[utoipa::path(post, path = "/v1/sinks/{id}/rotate-secret", tag = "sinks",
    params(("id" = SinkId, Path)), request_body = Option<Rotation>,
    responses(
        (status = OK, description = "Replaced", body = SinkWithSecret),
        (status = CONFLICT, description = "A Redis sink has no secret", body = Problem,
            content_type = "application/problem+json")))]
pub(super) async fn rotate_sink_secret(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<SinkId>,
    OptionalJsonBody(rotation): OptionalJsonBody<Rotation>,
) -> Result<Json<SinkWithSecret>, Problem> {
    let mut checks = Checks::default();
    check_overlap(&mut checks, rotation.overlap_seconds);
    checks.done()?;
    if found(&state, &org, id).await?.kind == SinkKind::Redis {
        return Err(Problem::conflict("a Redis sink has no secret"));
    }
    let (secret, now) = (generate_sink_secret(), clock::now());
    let sealed = seal_secret(state.master_key(), &secret);
    let old_until = now + Duration::from_secs(rotation.overlap_seconds);
    let rotated = state
        .store()
        .rotate_sink_secret(&org, id, &sealed, old_until, now);
    if !rotated.await? {
        return Err(Problem::not_found("sink"));
    }
    Ok(Json(SinkWithSecret {
        sink: found(&state, &org, id).await?,
        secret: Some(secret.expose().to_owned()),
    }))
}
