//! What one call into a guest may use. The configuration fills these.

use serde::Deserialize;
use std::time::Duration;

/// One tick of the epoch: how long a guest may hold a thread before it yields.
pub const TICK: Duration = Duration::from_millis(10);
/// Lines that a guest may log in one call; promised by `wit/v1`.
pub const LOG_LINES_MAX: u32 = 64;
/// Bytes of one such line; promised by `wit/v1`.
pub const LOG_LINE_BYTES_MAX: usize = 4_096;
/// Bytes that are kept of a guest's standard output and error: the last ones,
/// because a panic is the last thing that a guest writes.
pub const OUTPUT_BYTES_KEPT: usize = 4_096;
/// Bytes of memory beyond which no limit may go: what a 32-bit memory can address.
const MEMORY_BYTES_CEILING: usize = 1 << 32;

/// The limits of the engine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineLimits {
    /// Milliseconds that one call may compute. Waiting in the host, or for a
    /// thread, does not count. Rounded up to the next tick of 10 ms.
    pub call_cpu_ms: u64,
    /// Milliseconds that one call may take altogether.
    pub call_wall_ms: u64,
    /// Bytes of memory that one instance may hold, all its memories together.
    pub memory_bytes: usize,
    /// Bytes that a guest may hand to the host in one call: a result, or the
    /// arguments of an import.
    pub transfer_bytes: usize,
    /// Instances that exist at the same time. Who needs one more waits.
    pub instances: u32,
    /// Milliseconds that one poll may compute, as in [`Self::call_cpu_ms`].
    pub poll_cpu_ms: u64,
    /// Milliseconds that one poll may take altogether, most of which it waits for
    /// its service.
    pub poll_wall_ms: u64,
    /// Bytes of memory that the instance of a poll may hold.
    pub poll_memory_bytes: usize,
    /// Instances of polls that exist at the same time, beside the others. Who needs
    /// one more is refused at once.
    pub poll_instances: u32,
}

/// What an instance is for, which decides what it may use and whom it may keep
/// waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A call that needs nothing but the guest: descriptions, deliveries, filters.
    Compute,
    /// A call that waits for somebody else's service.
    Poll,
}

/// What one call may use.
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
    /// What one call may use.
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

    /// Bytes that an instance may hold.
    pub(crate) fn memory_bytes(&self, purpose: Purpose) -> usize {
        match purpose {
            Purpose::Compute => self.memory_bytes,
            Purpose::Poll => self.poll_memory_bytes,
        }
    }

    /// Says which limit makes no sense.
    ///
    /// # Errors
    /// The name of the limit and what is wrong with it.
    pub(crate) fn check(&self) -> Result<(), String> {
        let positive = [
            ("call_cpu_ms", self.call_cpu_ms),
            ("call_wall_ms", self.call_wall_ms),
            ("memory_bytes", self.memory_bytes as u64),
            ("transfer_bytes", self.transfer_bytes as u64),
            ("instances", u64::from(self.instances)),
            ("poll_cpu_ms", self.poll_cpu_ms),
            ("poll_wall_ms", self.poll_wall_ms),
            ("poll_memory_bytes", self.poll_memory_bytes as u64),
            ("poll_instances", u64::from(self.poll_instances)),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(format!("{name}: expected more than 0"));
        }
        for (name, bytes) in [
            ("memory_bytes", self.memory_bytes),
            ("poll_memory_bytes", self.poll_memory_bytes),
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
