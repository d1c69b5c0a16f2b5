//! A limit on the memory of one store, summed over all of its memories. wasmtime's own
//! limiter counts each memory alone, and a QuickJS component has three.

use wasmtime::{Error, ResourceLimiter};

/// Elements that one table may have. The largest language runtime known needs 7,700.
const TABLE_ELEMENTS_MAX: usize = 20_000;

/// Counts the bytes of a store's memories and records refusals.
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

    /// Bytes of all memories. Memories never shrink, so this is also the peak.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that all memories may have together.
    pub(crate) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// True if growth was refused. A guest aborts when it gets no memory, and only this tells
    /// the abort from a panic.
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
