//! The HTTP limit: read the body, check its signature, answer.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use crate::http::{self, Signer};

pub async fn serve(listen: SocketAddr, secret: &str) -> anyhow::Result<()> {
    let router = Router::new()
        .route("/hook", post(receive))
        .with_state(Signer::new(secret)?);
    http::serve(listen, router).await
}

async fn receive(State(signer): State<Signer>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if signer.accepts(&headers, &body) {
        StatusCode::OK
    } else {
        StatusCode::UNAUTHORIZED
    }
}
