//! What a store carries: a WASI context in which there is nothing, the memory
//! limiter, the quota of log lines, and while it polls, its way out.
//!
//! Guests compiled from a standard library import WASI, so it is linked, but it
//! leads nowhere: no directories, environment, arguments or sockets; both clocks
//! stand still at the call's time; randomness follows from the call.

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

/// What a guest may know about the moment in which it is called. The same for
/// every attempt, so that a second attempt returns what the first one did.
#[derive(Clone, Copy, Debug)]
pub struct CallContext {
    /// What the clocks show.
    pub now: Timestamp,
    /// What randomness follows from.
    pub seed: u128,
}

impl CallContext {
    /// The context of every attempt at this delivery.
    pub fn of(delivery: &ClaimedDelivery) -> Self {
        Self {
            now: delivery.received_at,
            seed: delivery.id.0.as_u128(),
        }
    }

    /// The context in which a stored event is filtered once more: its own time, not
    /// that of whoever asks.
    pub fn of_event(event: &Event) -> Self {
        Self {
            now: event.created_at,
            seed: event.id.0.as_u128(),
        }
    }

    /// The context of a poll: all of it follows from the poll's time.
    pub fn of_poll(poll: &PollRequest) -> Self {
        Self {
            now: poll.now,
            seed: u128::from(poll.now.0.unsigned_abs()),
        }
    }
}

/// How serious a guest's line is.
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
    /// The way out. Only a poll has one, and only while it runs.
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

    /// Logs a guest's line, while its quota lasts.
    pub(crate) fn log(&mut self, level: LogLevel, message: &str) {
        self.log_lines = self.log_lines.saturating_add(1);
        if self.log_lines > LOG_LINES_MAX {
            return;
        }
        // Never above debug, whatever the guest thinks of it: a line may quote what
        // a sender wrote, which the log of an ordinary host must not hold.
        let message = bounded(message, LOG_LINE_BYTES_MAX);
        tracing::debug!(provider.id = &*self.provider, guest.level = ?level, "{message}");
    }

    /// Ends a call: renews the quota of log lines, and returns what the guest last
    /// wrote to its standard error, which goes into an error's text and nowhere
    /// else.
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

/// Shows the same time for as long as a call lasts.
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
    // A fresh builder grants nothing but open sockets that may connect nowhere;
    // even those are taken away.
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
