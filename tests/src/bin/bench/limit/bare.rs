//! The HTTP limit: read the body, check its signature, answer.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use super::{Limit, SECRET, Signer};
use crate::say;
use crate::settings::Settings;
use crate::table::Table;

/// Measures it.
pub async fn measure(settings: &Settings, table: &mut Table) -> anyhow::Result<()> {
    say!("limit: bare HTTP server");
    let signer = Signer::new(SECRET)?;
    let router = async {
        Ok(Router::new()
            .route("/hook", post(receive))
            .with_state(signer))
    };
    let load = Limit::serve(router).await?.load(settings).await?;
    say!("  {load}");
    let section = "Limits";
    table.row(
        section,
        "bare HTTP server, acks/s",
        format!("{:.0}", load.acks_per_s),
        "",
    );
    let percentiles = format!("{:.2}, {:.2}", load.p50_ms, load.p99_ms);
    table.row(section, "  p50, p99 ms", percentiles, "");
    Ok(())
}

async fn receive(State(signer): State<Signer>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if signer.accepts(&headers, &body) {
        StatusCode::OK
    } else {
        StatusCode::UNAUTHORIZED
    }
}
