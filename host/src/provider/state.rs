//! The data of a wasmtime store: an empty WASI context, the memory limiter, the quota of log
//! lines, and the fetcher of a poll.
//!
//! Guests compiled from a standard library import WASI, so it is linked. It leads nowhere:
//! there are no directories, environment, arguments or sockets. Both clocks stop at the
//! call's time, and randomness is derived from the call.

use crate::domain::Timestamp;
use crate::domain::delivery::ClaimedDelivery;
use crate::domain::event::Event;
use crate::domain::limits::bounded;
use crate::domain::poll::PollRequest;
use crate::provider::fetcher::Fetcher;
use crate::provider::limiter::MemoryLimiter;
use crate::provider::limits::{LOG_LINE_BYTES_MAX, LOG_LINES_MAX, OUTPUT_BYTES_KEPT};
use crate::provider::meter::Meter;
use crate::provider::output::Tail;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

/// The time and randomness that a guest sees. Every attempt sees the same, so a second
/// attempt returns what the first one returned.
#[derive(Clone, Copy, Debug)]
pub struct CallContext {
    /// The time that the clocks show.
    pub now: Timestamp,
    /// The seed of all randomness.
    pub seed: u128,
}

impl CallContext {
    /// The context of every attempt at a delivery: the time of receipt.
    pub fn of(delivery: &ClaimedDelivery) -> Self {
        Self {
            now: delivery.received_at,
            seed: delivery.id.0.as_u128(),
        }
    }

    /// The context of a dry run: the event's own time.
    pub fn of_event(event: &Event) -> Self {
        Self {
            now: event.created_at,
            seed: event.id.0.as_u128(),
        }
    }

    /// The context of a poll: all of it is derived from the poll's time.
    pub fn of_poll(poll: &PollRequest) -> Self {
        Self {
            now: poll.now,
            seed: u128::from(poll.now.0.unsigned_abs()),
        }
    }
}

/// The level of a guest's log line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// The data of one store.
pub(crate) struct CallState {
    pub(crate) limiter: MemoryLimiter,
    pub(crate) meter: Meter,
    provider: Arc<str>,
    wasi: WasiCtx,
    table: ResourceTable,
    stderr: Tail,
    log_lines: u32,
    /// Sends requests. Only a poll has one, and only while it runs.
    pub(crate) fetcher: Option<Fetcher>,
}

impl CallState {
    pub(crate) fn new(provider: Arc<str>, memory_bytes: usize, context: CallContext) -> Self {
        let stderr = Tail::new(OUTPUT_BYTES_KEPT);
        Self {
            limiter: MemoryLimiter::new(memory_bytes),
            meter: Meter::new(),
            provider,
            wasi: locked(context, &stderr),
            table: ResourceTable::new(),
            stderr,
            log_lines: 0,
            fetcher: None,
        }
    }

    /// Logs a guest's line while the quota of the call lasts.
    pub(crate) fn log(&mut self, level: LogLevel, message: &str) {
        self.log_lines = self.log_lines.saturating_add(1);
        if self.log_lines > LOG_LINES_MAX {
            return;
        }
        // Always at debug, whatever the guest's level: the line may quote a sender, and a
        // host's ordinary log must not.
        let message = bounded(message, LOG_LINE_BYTES_MAX);
        tracing::debug!(provider.id = &*self.provider, guest.level = ?level, "{message}");
    }

    /// Ends a call: resets the quota of log lines and returns the end of the guest's standard
    /// error, which goes into an error's text and nowhere else.
    pub(crate) fn end_call(&mut self) -> String {
        let dropped = self.log_lines.saturating_sub(LOG_LINES_MAX);
        self.log_lines = 0;
        if dropped > 0 {
            tracing::warn!(
                provider.id = &*self.provider,
                "dropped {dropped} log lines beyond the {LOG_LINES_MAX} of a call"
            );
        }
        self.stderr.take()
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// A clock that shows one time for a whole call.
#[derive(Clone, Copy)]
struct StoppedClock(Duration);

impl HostWallClock for StoppedClock {
    fn resolution(&self) -> Duration {
        Duration::from_micros(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

impl HostMonotonicClock for StoppedClock {
    fn resolution(&self) -> u64 {
        1_000
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }
}

fn locked(context: CallContext, stderr: &Tail) -> WasiCtx {
    let clock = StoppedClock(Duration::from_micros(
        u64::try_from(context.now.0).unwrap_or(0),
    ));
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(&context.seed.to_le_bytes());
    // A fresh builder grants only sockets that may connect nowhere; these calls take even
    // those away.
    WasiCtx::builder()
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .wall_clock(clock)
        .monotonic_clock(clock)
        .secure_random(StdRng::from_seed(seed))
        .insecure_random(StdRng::from_seed(seed))
        .insecure_random_seed(context.seed)
        .stderr(stderr.clone())
        .build()
}
