//! Replaces the secret of an HTTP sink.

use super::handlers::{SinkWithSecret, sink};
use crate::api::check::Checks;
use crate::api::extract::{OptionalJsonBody, PathId};
use crate::api::found::Found as _;
use crate::api::rotation::OverlapSeconds;
use crate::api::values::WholeNumber as _;
use crate::api::{AppState, Problem, Tenant, seal_secret};
use crate::clock;
use crate::domain::SinkId;
use crate::domain::sink::SinkKind;
use crate::secret::generate_sink_secret;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

/// The rotation of a sink's secret. The host always makes the new secret.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SinkSecretRotation {
    /// Seconds for which requests are also signed with earlier secrets: 0 to 604800.
    #[serde(default)]
    #[schema(default = 3600)]
    overlap_seconds: OverlapSeconds,
}

/// Replace a sink's secret
///
/// Requests are signed with the new secret at once, and with the earlier ones as well for
/// `overlap_seconds`. A receiver accepts a signature by any secret that it knows.
#[utoipa::path(post, path = "/v1/sinks/{id}/rotate-secret", tag = "sinks",
    params(("id" = SinkId, Path)), request_body = Option<SinkSecretRotation>,
    responses(
        (status = OK, description = "Replaced", body = SinkWithSecret),
        (status = CONFLICT, description = "A Redis sink has no secret")))]
pub(super) async fn rotate_sink_secret(
    Tenant(org): Tenant,
    State(state): State<AppState>,
    PathId(id): PathId<SinkId>,
    OptionalJsonBody(rotation): OptionalJsonBody<SinkSecretRotation>,
) -> Result<Json<SinkWithSecret>, Problem> {
    let mut checks = Checks::default();
    let overlap = rotation.overlap_seconds;
    overlap.check(&mut checks, "/overlap_seconds");
    checks.done()?;
    if sink(&state, &org, id).await?.address.kind() == SinkKind::Redis {
        return Err(Problem::conflict("a Redis sink has no secret"));
    }
    let (secret, now) = (generate_sink_secret(), clock::now());
    let sealed = seal_secret(state.master_key(), &secret);
    let old_until = overlap.end(now);
    let rotated = state
        .store()
        .rotate_sink_secret(&org, id, &sealed, old_until, now);
    rotated.await?.or_404("sink")?;
    Ok(Json(SinkWithSecret {
        sink: sink(&state, &org, id).await?,
        secret: Some(secret.expose().to_owned()),
    }))
}
