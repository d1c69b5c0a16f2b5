//! The limits of one call into a guest, as the configuration sets them.

use serde::Deserialize;
use std::time::Duration;

/// The time for which a guest may hold a thread before it yields: one tick of the epoch.
pub const TICK: Duration = Duration::from_millis(10);
/// Lines that a guest may log in one call, as `wit/v1` promises.
pub const LOG_LINES_MAX: u32 = 64;
/// Bytes of a log line, as `wit/v1` promises.
pub const LOG_LINE_BYTES_MAX: usize = 4_096;
/// Bytes that are kept of a guest's standard error: the last ones, because a panic message
/// comes last.
pub const OUTPUT_BYTES_KEPT: usize = 4_096;
/// The largest limit on memory, in bytes: a 32-bit memory cannot address more.
const MEMORY_BYTES_CEILING: usize = 1 << 32;

/// The limits of the engine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineLimits {
    /// Milliseconds of CPU time of one call, rounded up to the next tick of 10 ms. Waiting in
    /// the host or for a thread does not count.
    pub call_cpu_ms: u64,
    /// Milliseconds that one call may take in all.
    pub call_wall_ms: u64,
    /// Bytes that all memories of one instance may have together.
    pub memory_bytes: usize,
    /// Bytes that a guest may pass to the host in one call: a result, or arguments of an
    /// import.
    pub transfer_bytes: usize,
    /// Instances that may exist at the same time. A delivery waits for a free one.
    pub instances: u32,
    /// Milliseconds of CPU time of one poll, like [`Self::call_cpu_ms`].
    pub poll_cpu_ms: u64,
    /// Milliseconds that one poll may take in all. Most of it is waiting for the service.
    pub poll_wall_ms: u64,
    /// Bytes that all memories of a poll's instance may have together.
    pub poll_memory_bytes: usize,
    /// Instances of polls that may exist at the same time, beside the others. A poll that
    /// finds none is refused at once.
    pub poll_instances: u32,
}

/// The purpose of an instance. It selects the limits and the pool of instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Descriptions, parsing and filtering, which need only the guest.
    Compute,
    /// Polling, which waits for a service.
    Poll,
}

/// The time limits of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallLimits {
    pub(crate) cpu_ms: u64,
    pub(crate) wall_ms: u64,
}

impl CallLimits {
    pub(crate) fn cpu(&self) -> Duration {
        Duration::from_millis(self.cpu_ms)
    }

    pub(crate) fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms)
    }
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            call_cpu_ms: 1_000,
            call_wall_ms: 5_000,
            memory_bytes: 128 << 20,
            transfer_bytes: 16 << 20,
            instances: 64,
            poll_cpu_ms: 10_000,
            poll_wall_ms: 120_000,
            poll_memory_bytes: 256 << 20,
            poll_instances: 16,
        }
    }
}

impl EngineLimits {
    /// The time limits of one call.
    pub(crate) fn call(&self, purpose: Purpose) -> CallLimits {
        match purpose {
            Purpose::Compute => CallLimits {
                cpu_ms: self.call_cpu_ms,
                wall_ms: self.call_wall_ms,
            },
            Purpose::Poll => CallLimits {
                cpu_ms: self.poll_cpu_ms,
                wall_ms: self.poll_wall_ms,
            },
        }
    }

    /// Bytes that all memories of an instance may have together.
    pub(crate) fn memory_bytes(&self, purpose: Purpose) -> usize {
        match purpose {
            Purpose::Compute => self.memory_bytes,
            Purpose::Poll => self.poll_memory_bytes,
        }
    }

    /// Checks that the limits are within range.
    ///
    /// # Errors
    /// The name of the limit and the expected range.
    pub(crate) fn check(&self) -> Result<(), String> {
        // Without `..`, so that a new limit does not compile until it is checked here.
        let Self {
            call_cpu_ms,
            call_wall_ms,
            memory_bytes,
            transfer_bytes,
            instances,
            poll_cpu_ms,
            poll_wall_ms,
            poll_memory_bytes,
            poll_instances,
        } = *self;
        let positive = [
            ("call_cpu_ms", call_cpu_ms),
            ("call_wall_ms", call_wall_ms),
            ("memory_bytes", memory_bytes as u64),
            ("transfer_bytes", transfer_bytes as u64),
            ("instances", u64::from(instances)),
            ("poll_cpu_ms", poll_cpu_ms),
            ("poll_wall_ms", poll_wall_ms),
            ("poll_memory_bytes", poll_memory_bytes as u64),
            ("poll_instances", u64::from(poll_instances)),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(format!("{name}: expected more than 0"));
        }
        for (name, bytes) in [
            ("memory_bytes", memory_bytes),
            ("poll_memory_bytes", poll_memory_bytes),
        ] {
            if bytes > MEMORY_BYTES_CEILING {
                return Err(format!(
                    "{name}: expected at most {MEMORY_BYTES_CEILING}, got {bytes}"
                ));
            }
        }
        Ok(())
    }
}
