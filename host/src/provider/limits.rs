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
/// Bytes of memory beyond which [`EngineLimits::memory_bytes`] may not go: what
/// a 32-bit memory can address.
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
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            call_cpu_ms: 1_000,
            call_wall_ms: 5_000,
            memory_bytes: 128 << 20,
            transfer_bytes: 16 << 20,
            instances: 64,
        }
    }
}

impl EngineLimits {
    /// [`Self::call_cpu_ms`] as a duration.
    pub(crate) fn call_cpu(&self) -> Duration {
        Duration::from_millis(self.call_cpu_ms)
    }

    /// [`Self::call_wall_ms`] as a duration.
    pub(crate) fn call_wall(&self) -> Duration {
        Duration::from_millis(self.call_wall_ms)
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
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(format!("{name}: expected more than 0"));
        }
        if self.memory_bytes > MEMORY_BYTES_CEILING {
            return Err(format!(
                "memory_bytes: expected at most {MEMORY_BYTES_CEILING}, got {}",
                self.memory_bytes
            ));
        }
        Ok(())
    }
}
