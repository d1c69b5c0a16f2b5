//! Exports spans to a collector: OTLP over HTTP, in batches, from a thread of its own.

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

/// The timeout of a batch.
const SEND_MAX: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes. Nothing in it is used.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Sends the batches of the exporter's thread, which is outside of tokio, on the runtime.
#[derive(Clone, Debug)]
struct Sender {
    http: reqwest::Client,
    runtime: Handle,
}

type Sent<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

impl HttpClient for Sender {
    // The signature that `async_trait` generates: the trait is declared with it.
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

/// The exporter to `endpoint`, and the tracer whose spans it sends.
///
/// # Errors
/// If the HTTP client cannot start, or the endpoint is not a URL.
pub(super) fn start(endpoint: &str) -> anyhow::Result<(SdkTracerProvider, SdkTracer)> {
    // An error means that a provider is installed already.
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
        .with_endpoint(format!("{endpoint}/v1/traces"))
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
