//! Keeps the figures of this process, and writes them as Prometheus reads them.

use super::catalogue::{BUILD, FIGURES, Kind};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::Duration;

/// The media type of [`Figures::render`].
pub const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How often histograms are tidied up where nobody asks for them: what is measured waits
/// in memory until then.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Upper bounds of the buckets, in seconds: from a commit on a fast disk to a poll that
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
    /// Starts to keep them, or joins in: a process has one set, however many hosts it
    /// runs.
    pub fn start() -> Self {
        static STARTED: OnceLock<Figures> = OnceLock::new();
        STARTED.get_or_init(Self::install).clone()
    }

    fn install() -> Self {
        let builder = PrometheusBuilder::new();
        let builder = builder
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), BUCKETS)
            // Only an empty list of buckets is refused.
            .unwrap_or_default();
        let recorder = builder.build_recorder();
        let figures = Self(recorder.handle());
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("somebody else keeps the figures of this process; /metrics stays empty");
        }
        describe();
        figures
    }

    /// All figures, as text.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps them tidy until it is dropped.
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
        // What has not happened yet is 0, and not unknown.
        if figure.labels.is_empty() && figure.kind == Kind::Counter {
            counter!(figure.name).increment(0);
        }
    }
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}
