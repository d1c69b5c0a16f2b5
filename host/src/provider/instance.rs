//! One instance of a component in one store. Every call into a guest goes through
//! [`GuestInstance::run`], which applies the limits and classifies errors.

use crate::provider::engine::Engine;
use crate::provider::error::GuestError;
use crate::provider::limits::Purpose;
use crate::provider::meter::Meter;
use crate::provider::state::{CallContext, CallState};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

/// The resources that a call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallStats {
    /// From the start of the call to its end.
    pub wall: Duration,
    /// The part of it on a thread.
    pub cpu: Duration,
    /// Bytes of the instance's memory, which never shrinks.
    pub memory_bytes_peak: usize,
}

/// An instance that belongs to one session.
pub(crate) struct GuestInstance {
    store: Store<CallState>,
    /// None until instantiation ends.
    instance: Option<Instance>,
    engine: Engine,
    meter: Meter,
    last: CallStats,
    /// Set while a call runs. Stays set after a call that failed or was dropped.
    poisoned: bool,
    /// Dropped last, after the store.
    _slot: OwnedSemaphorePermit,
}

impl GuestInstance {
    /// Waits for a slot and instantiates. A component may compute while it starts, so the
    /// limits of a call apply.
    pub(crate) async fn start(
        engine: &Engine,
        pre: &InstancePre<CallState>,
        provider: Arc<str>,
        context: CallContext,
        purpose: Purpose,
    ) -> Result<Self, GuestError> {
        let slot = engine.slot(purpose).await?;
        let store = engine.store(purpose, provider, context);
        let mut started = Self {
            meter: store.data().meter.clone(),
            store,
            instance: None,
            engine: engine.clone(),
            last: CallStats::default(),
            poisoned: false,
            _slot: slot,
        };
        let instance = started
            .limited(Purpose::Compute, async |store, _| {
                pre.instantiate_async(store).await
            })
            .await?;
        started.instance = Some(instance);
        Ok(started)
    }

    /// The resources that the last call used.
    pub(crate) fn last_call(&self) -> CallStats {
        self.last
    }

    /// Runs one call within its limits.
    pub(crate) async fn run<T>(
        &mut self,
        purpose: Purpose,
        call: impl AsyncFnOnce(&mut Store<CallState>, &Instance) -> wasmtime::Result<T>,
    ) -> Result<T, GuestError> {
        self.limited(purpose, async |store, instance| match instance {
            Some(instance) => call(store, instance).await,
            None => Err(wasmtime::Error::msg("the instance was not started")),
        })
        .await
    }

    async fn limited<T>(
        &mut self,
        purpose: Purpose,
        call: impl AsyncFnOnce(&mut Store<CallState>, Option<&Instance>) -> wasmtime::Result<T>,
    ) -> Result<T, GuestError> {
        if self.poisoned {
            return Err(GuestError::Poisoned);
        }
        self.poisoned = true;
        let limits = self.engine.limits().call(purpose);
        let started = Instant::now();
        self.meter.reset(limits.cpu());
        self.store.set_epoch_deadline(1);
        let call = call(&mut self.store, self.instance.as_ref());
        // The CPU budget does not limit a guest that waits.
        let result = tokio::time::timeout(limits.wall(), self.meter.measure(call)).await;
        self.last = CallStats {
            wall: started.elapsed(),
            cpu: self.meter.spent(),
            memory_bytes_peak: self.store.data().limiter.bytes(),
        };
        let stderr = self.store.data_mut().end_call();
        match result {
            Ok(Ok(value)) => {
                self.poisoned = false;
                Ok(value)
            }
            Ok(Err(error)) => {
                let memory = &self.store.data().limiter;
                let transfer_bytes = self.engine.limits().transfer_bytes;
                Err(GuestError::classify(
                    &error,
                    memory,
                    &stderr,
                    limits,
                    transfer_bytes,
                ))
            }
            Err(_) => Err(GuestError::TimedOut {
                limit_ms: limits.wall_ms,
            }),
        }
    }
}
