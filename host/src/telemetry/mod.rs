//! Logs and traces. Log lines go to standard error, as text or JSON. Spans go to the
//! configured collector.
//!
//! A log line is one message that can be read alone, with ids as fields (`inbox.id`,
//! `provider.id`, `trigger.id`, `integration.id`, `attempt`). Neither logs nor spans contain
//! bodies, secrets or tokens.

mod export;

use crate::config::{LogConfig, LogFormat, TelemetryConfig};
use crate::domain::trace::TraceParent;
use anyhow::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::io::IsTerminal;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// The telemetry of the process. Call [`Telemetry::end`] before the process exits.
#[derive(Debug)]
#[must_use]
pub struct Telemetry(Option<SdkTracerProvider>);

/// Starts logging for the whole process, and tracing if a collector is configured. Needs a
/// tokio runtime.
///
/// # Errors
/// If the filter cannot be parsed, the collector's endpoint is invalid, or logging was
/// started before.
pub fn start(log: &LogConfig, telemetry: &TelemetryConfig) -> anyhow::Result<Telemetry> {
    let filter = EnvFilter::try_new(&log.filter).with_context(|| {
        format!(
            "log.filter: expected a level or target=level pairs, got {:?}",
            log.filter
        )
    })?;
    let lines = fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let lines = match log.format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    };
    let (provider, spans) = if let Some(endpoint) = telemetry.otlp_endpoint.get() {
        let (provider, tracer) =
            export::start(endpoint.as_str()).context("telemetry.otlp_endpoint")?;
        let ours = filter_fn(|about| about.is_span() && about.target().starts_with("triggerhouse"));
        let spans = tracing_opentelemetry::layer().with_tracer(tracer);
        (Some(provider), Some(spans.with_filter(ours)))
    } else {
        (None, None)
    };
    tracing_subscriber::registry()
        .with(lines)
        .with(spans)
        .try_init()
        .map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))?;
    Ok(Telemetry(provider))
}

impl Telemetry {
    /// Sends the remaining spans.
    pub async fn end(self) {
        let Some(provider) = self.0 else { return };
        // Blocks until the exporter's thread is done.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("could not send the last spans");
        }
    }
}

/// Makes `span` a part of the sender's trace. Without a collector this does nothing.
pub fn continue_trace(span: &Span, trace: &TraceParent) {
    let (id, parent) = (
        TraceId::from_hex(trace.trace_id()),
        SpanId::from_hex(trace.span_id()),
    );
    let (Ok(id), Ok(parent)) = (id, parent) else {
        return;
    };
    let flags = if trace.is_sampled() {
        TraceFlags::SAMPLED
    } else {
        TraceFlags::default()
    };
    let remote = SpanContext::new(id, parent, flags, true, TraceState::default());
    let context = opentelemetry::Context::new().with_remote_span_context(remote);
    // An error means that no collector is configured.
    let _ = span.set_parent(context);
}
