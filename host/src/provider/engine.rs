//! The engine that all components share: one configuration of wasmtime, one linker, one epoch
//! ticker. Knows nothing about providers.

use crate::provider::contract;
use crate::provider::error::GuestError;
use crate::provider::limits::{EngineLimits, Purpose, TICK};
use crate::provider::state::{CallContext, CallState};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::Linker;
use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, Store, UpdateDeadline,
};

/// Core instances of the largest language runtime known: CPython has 38, QuickJS 13, Rust 3.
const CORE_INSTANCES_PER_COMPONENT: u32 = 40;
/// Memories of the largest language runtime known: QuickJS has 3.
const MEMORIES_PER_COMPONENT: u32 = 3;
/// Tables of the largest language runtime known.
const TABLES_PER_COMPONENT: u32 = 4;
/// Bytes of a memory that stay mapped when its slot is freed: clearing them is cheaper than
/// faulting them in again. A burst may leave this many bytes behind per instance.
const MEMORY_BYTES_KEPT: usize = 256 << 10;

/// The engine could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A limit is out of range.
    #[error("engine limits: {0}")]
    Limit(String),
    /// wasmtime refused its configuration, usually because the address space is limited
    /// (`ulimit -v`).
    #[error("the WebAssembly engine cannot start: {0:#}")]
    Setup(wasmtime::Error),
    /// The ticker thread could not start.
    #[error("the WebAssembly engine cannot start its ticker: {0}")]
    Ticker(std::io::Error),
}

/// The engine. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Engine {
    wasmtime: wasmtime::Engine,
    linker: Arc<Linker<CallState>>,
    limits: Arc<EngineLimits>,
    slots: Arc<Semaphore>,
    /// Separate, because a poll may wait for its service for minutes. A few slow services
    /// must not delay deliveries, and a burst of deliveries must not delay polls.
    poll_slots: Arc<Semaphore>,
}

impl Engine {
    /// Sets up wasmtime and starts the ticker thread, which ends once the last clone is
    /// dropped.
    ///
    /// # Errors
    /// See [`EngineError`]: each is final.
    pub fn new(limits: EngineLimits) -> Result<Self, EngineError> {
        limits.check().map_err(EngineError::Limit)?;
        let wasmtime = wasmtime::Engine::new(&config(&limits)).map_err(EngineError::Setup)?;
        start_ticker(&wasmtime).map_err(EngineError::Ticker)?;
        let mut linker = Linker::new(&wasmtime);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(EngineError::Setup)?;
        contract::add_to_linker(&mut linker).map_err(EngineError::Setup)?;
        Ok(Self {
            wasmtime,
            linker: Arc::new(linker),
            slots: Arc::new(Semaphore::new(limits.instances as usize)),
            poll_slots: Arc::new(Semaphore::new(limits.poll_instances as usize)),
            limits: Arc::new(limits),
        })
    }

    /// The limits of every call.
    pub fn limits(&self) -> &EngineLimits {
        &self.limits
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.wasmtime
    }

    pub(crate) fn linker(&self) -> &Linker<CallState> {
        &self.linker
    }

    /// A permit for one more instance. Waits for it as long as a call may take. A poll does
    /// not wait: the other polls may take minutes, and the poll worker can retry later.
    pub(crate) async fn slot(&self, purpose: Purpose) -> Result<OwnedSemaphorePermit, GuestError> {
        if purpose == Purpose::Poll {
            let slot = Arc::clone(&self.poll_slots).try_acquire_owned();
            return slot.map_err(|_| GuestError::Busy);
        }
        let slot = Arc::clone(&self.slots).acquire_owned();
        match tokio::time::timeout(self.limits.call(purpose).wall(), slot).await {
            Ok(Ok(permit)) => Ok(permit),
            // The semaphore is never closed, so this is the timeout.
            _ => Err(GuestError::Busy),
        }
    }

    /// A store with all its limits set.
    pub(crate) fn store(
        &self,
        purpose: Purpose,
        provider: Arc<str>,
        context: CallContext,
    ) -> Store<CallState> {
        let memory_bytes = self.limits.memory_bytes(purpose);
        let state = CallState::new(provider, memory_bytes, context);
        let meter = state.meter.clone();
        let mut store = Store::new(&self.wasmtime, state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(self.limits.transfer_bytes);
        store.set_epoch_deadline(1);
        // At each tick the guest ends or yields, so an endless loop never holds a thread for
        // longer than a tick.
        store.epoch_deadline_callback(move |_| {
            Ok(if meter.is_overspent() {
                UpdateDeadline::Interrupt
            } else {
                UpdateDeadline::Yield(1)
            })
        });
        store
    }
}

fn config(limits: &EngineLimits) -> Config {
    let mut pool = PoolingAllocationConfig::default();
    let n = limits.instances.saturating_add(limits.poll_instances);
    // One component instance per session, with the resources of the largest language runtime.
    // Unused slots cost address space, not memory.
    pool.total_component_instances(n)
        .total_core_instances(n.saturating_mul(CORE_INSTANCES_PER_COMPONENT))
        .total_memories(n.saturating_mul(MEMORIES_PER_COMPONENT))
        .total_tables(n.saturating_mul(TABLES_PER_COMPONENT))
        // One fiber per session: guests are called asynchronously.
        .total_stacks(n);
    // No single memory may exceed the limit for all memories of a store.
    pool.max_memory_size(limits.memory_bytes.max(limits.poll_memory_bytes));
    // Where the kernel can tell which pages a guest wrote (Linux 6.7), only those are
    // cleared. That takes a fifth less time per delivery than unmapping all pages.
    pool.linear_memory_keep_resident(MEMORY_BYTES_KEPT)
        .pagemap_scan(Enabled::Auto);

    let mut config = Config::new();
    config.wasm_component_model(true);
    // A third slower than no interruption, and the only way to stop a loop. Fuel costs more
    // and limits instructions instead of time.
    config.epoch_interruption(true);
    // A fresh instance maps its initial memory instead of copying it.
    config.memory_init_cow(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

fn start_ticker(engine: &wasmtime::Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            // Dropped before the sleep, or the engine would outlive its owners.
            drop(engine);
            std::thread::sleep(TICK);
        }
    };
    std::thread::Builder::new()
        .name("guest-ticker".into())
        .spawn(tick)
        .map(drop)
}
