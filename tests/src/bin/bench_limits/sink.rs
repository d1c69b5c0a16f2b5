//! An endpoint of a sink's, which reads what it is sent and takes it.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;

use crate::http;

pub async fn serve(listen: SocketAddr) -> anyhow::Result<()> {
    let router = Router::new().route("/hook", post(|_: Bytes| async { StatusCode::NO_CONTENT }));
    http::serve(listen, router).await
}
