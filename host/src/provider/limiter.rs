//! The memory of one store: a sum over all its memories, unlike wasmtime's own
//! limiter, which counts each of them alone (a QuickJS component has three).

use wasmtime::{Error, ResourceLimiter};

/// Elements that one table may have; the largest language runtime seen needs
/// 7,700.
const TABLE_ELEMENTS_MAX: usize = 20_000;

/// Counts what a store's memories hold, and remembers whether it refused some.
#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    bytes_max: usize,
    bytes: usize,
    denied: bool,
}

impl MemoryLimiter {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            bytes: 0,
            denied: false,
        }
    }

    /// Bytes of all memories. They never shrink, so this is also the peak.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that they may have together.
    pub(crate) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Whether growth was refused: a guest that asks for too much aborts by
    /// itself, and only this tells that apart from a panic.
    pub(crate) fn denied(&self) -> bool {
        self.denied
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let grown = self.bytes.saturating_add(desired.saturating_sub(current));
        if grown > self.bytes_max {
            self.denied = true;
            return Ok(false);
        }
        self.bytes = grown;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: Error) -> wasmtime::Result<()> {
        self.denied = true;
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_counted_together_and_a_refusal_is_remembered() {
        let mut limiter = MemoryLimiter::new(100);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(limiter.memory_growing(0, 30, None).unwrap());
        assert!(!limiter.denied());
        assert!(!limiter.memory_growing(60, 71, None).unwrap());
        assert!(limiter.denied());
        assert_eq!(limiter.bytes(), 90);
        assert!(limiter.memory_growing(60, 70, None).unwrap());
    }
}
