//! Sends spans to a collector: OTLP over HTTP, in batches, from a thread of its own.

use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use std::pin::Pin;
use std::time::Duration;
use tokio::runtime::Handle;

/// How long the collector may take for a batch.
const SEND_MAX: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read: it says nothing that anybody needs.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Sends what the exporter's thread, which knows no tokio, has batched.
#[derive(Clone, Debug)]
struct Sender {
    http: reqwest::Client,
    runtime: Handle,
}

type Sent<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

impl HttpClient for Sender {
    // As `async_trait` writes it, which the trait was declared with.
    fn send_bytes<'life0, 'async_trait>(&'life0 self, request: Request<Bytes>) -> Sent<'async_trait>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let http = self.http.clone();
        let sent = self.runtime.spawn(send(http, request));
        Box::pin(async move { sent.await? })
    }
}

async fn send(
    http: reqwest::Client,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, HttpError> {
    let mut answer = http.execute(request.try_into()?).await?;
    let mut body = Vec::new();
    while body.len() < ANSWER_BYTES_MAX
        && let Some(chunk) = answer.chunk().await?
    {
        body.extend_from_slice(&chunk);
    }
    let response = Response::builder().status(answer.status());
    Ok(response.body(body.into())?)
}

/// What sends spans to `endpoint`, and the tracer that makes them.
///
/// # Errors
/// If there can be no HTTP client, or the endpoint is none.
pub(super) fn start(endpoint: &str) -> anyhow::Result<(SdkTracerProvider, SdkTracer)> {
    // An error means that somebody has installed one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        .timeout(SEND_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let sender = Sender {
        http,
        runtime: Handle::current(),
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(sender)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(SEND_MAX)
        .build()?;
    let resource = Resource::builder().with_service_name("triggerhouse");
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build())
        .build();
    let tracer = provider.tracer("triggerhouse");
    Ok((provider, tracer))
}
