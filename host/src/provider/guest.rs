//! A component that can be called: linked, its contract known, with the operator's settings.

use crate::provider::contract::Contract;
use crate::provider::engine::Engine;
use crate::provider::error::GuestError;
use crate::provider::instance::GuestInstance;
use crate::provider::limits::Purpose;
use crate::provider::state::{CallContext, CallState};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::InstancePre;

/// A component that can be called.
pub(crate) struct Guest {
    /// The provider's id. Before the component has told it: the path of its file.
    pub(crate) id: Arc<str>,
    pub(crate) engine: Engine,
    pub(crate) contract: Contract,
    pub(crate) pre: InstancePre<CallState>,
    /// The operator's settings, as a JSON object.
    pub(crate) settings_json: String,
}

impl Guest {
    /// A fresh instance. See [`GuestInstance::start`] for its limits.
    ///
    /// # Errors
    /// [`GuestError::Busy`] if no instance is free; others as of a call.
    pub(crate) async fn start(
        &self,
        context: CallContext,
        purpose: Purpose,
    ) -> Result<GuestInstance, GuestError> {
        let id = Arc::clone(&self.id);
        GuestInstance::start(&self.engine, &self.pre, id, context, purpose).await
    }

    /// The time that a poll may take.
    pub(crate) fn poll_wall(&self) -> Duration {
        self.engine.limits().call(Purpose::Poll).wall()
    }
}
