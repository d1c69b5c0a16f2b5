//! The recorder of this process's figures. Renders them in the format of Prometheus.

use super::catalogue::{BUILD, FIGURES, Kind};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::Duration;

/// The media type of [`Figures::render`].
pub const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The interval at which histograms are aggregated if nobody requests them. Until then,
/// each sample takes memory.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// The upper bounds of the buckets, in seconds: from a commit on a fast disk to a poll that
/// waits for its service.
const BUCKETS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0, 300.0,
];

/// The figures of this process; cheap to clone.
#[derive(Clone)]
pub struct Figures(PrometheusHandle);

impl std::fmt::Debug for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Figures")
    }
}

impl Figures {
    /// The figures of the process. They start with the first call; a process has one set,
    /// even if it runs several hosts.
    pub fn start() -> Self {
        static STARTED: OnceLock<Figures> = OnceLock::new();
        STARTED.get_or_init(Self::install).clone()
    }

    fn install() -> Self {
        let builder = PrometheusBuilder::new();
        let builder = builder
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), BUCKETS)
            // Only an empty list of buckets is an error.
            .unwrap_or_default();
        let recorder = builder.build_recorder();
        let figures = Self(recorder.handle());
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder is installed in this process; /metrics stays empty");
        }
        describe();
        figures
    }

    /// All figures, in the text format of Prometheus.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Aggregates histograms from time to time; never returns.
    pub async fn upkeep(self) {
        loop {
            tokio::time::sleep(UPKEEP_EVERY).await;
            self.0.run_upkeep();
        }
    }
}

fn describe() {
    for figure in FIGURES {
        let unit = if figure.name.ends_with("_seconds") {
            Unit::Seconds
        } else {
            Unit::Count
        };
        match figure.kind {
            Kind::Counter => describe_counter!(figure.name, unit, figure.help),
            Kind::Gauge => describe_gauge!(figure.name, unit, figure.help),
            Kind::Histogram => describe_histogram!(figure.name, unit, figure.help),
        }
        // A counter without events is 0 and not absent.
        if figure.labels.is_empty() && figure.kind == Kind::Counter {
            counter!(figure.name).increment(0);
        }
    }
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}
