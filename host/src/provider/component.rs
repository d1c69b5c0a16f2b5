//! A component that passed every check. Owns reading, compiling, linking and the
//! trial call; never does what the operator's entry says, which is `registered`.

use crate::domain::Timestamp;
use crate::provider::cache::{Cache, CodeOrigin};
use crate::provider::contract::Contract;
use crate::provider::description::CheckedDescription;
use crate::provider::engine::Engine;
use crate::provider::instance::GuestInstance;
use crate::provider::limits::Purpose;
use crate::provider::refusal::{LoadError, LoadRefusal};
use crate::provider::state::{CallContext, CallState};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use wasmtime::component::InstancePre;

/// A component that passed every check, not registered yet.
pub(crate) struct LoadedComponent {
    pub(crate) description: CheckedDescription,
    pub(crate) engine: Engine,
    pub(crate) contract: Contract,
    pub(crate) pre: InstancePre<CallState>,
    pub(crate) digest: String,
    pub(crate) origin: CodeOrigin,
}

impl LoadedComponent {
    /// Reads, compiles, links, instantiates and asks: whatever could fail at the
    /// first delivery fails here instead. Nothing of a file runs that is not the
    /// one that is pinned.
    pub(crate) async fn load(
        engine: &Engine,
        cache: &Cache,
        path: &Path,
        pin: Option<&str>,
    ) -> Result<Self, LoadError> {
        Self::load_file(engine, cache, path, pin)
            .await
            .map_err(|refusal| LoadError {
                path: path.to_owned(),
                refusal,
            })
    }

    async fn load_file(
        engine: &Engine,
        cache: &Cache,
        path: &Path,
        pin: Option<&str>,
    ) -> Result<Self, LoadRefusal> {
        let wasm = tokio::fs::read(path).await?;
        let digest = hex::encode(Sha256::digest(&wasm));
        check_pin(&digest, pin)?;
        // Compiling takes seconds for the largest; other tasks go on meanwhile.
        let compile = {
            let (engine, cache, digest) = (engine.clone(), cache.clone(), digest.clone());
            move || cache.load(&engine, &wasm, &digest)
        };
        let (component, origin) = tokio::task::spawn_blocking(compile)
            .await
            .map_err(|panic| LoadRefusal::NoComponent(panic.to_string()))?
            .map_err(|error| LoadRefusal::NoComponent(format!("{error:#}")))?;
        let (contract, pre) = Contract::of(&component, engine)?;
        let description = describe(engine, &contract, &pre, path).await?;
        Ok(Self {
            description,
            engine: engine.clone(),
            contract,
            pre,
            digest,
            origin,
        })
    }
}

/// The trial: types are compared only when an instance's exports are looked up.
async fn describe(
    engine: &Engine,
    contract: &Contract,
    pre: &InstancePre<CallState>,
    path: &Path,
) -> Result<CheckedDescription, LoadRefusal> {
    let label: Arc<str> = path.display().to_string().into();
    let context = CallContext {
        now: Timestamp(0),
        seed: 0,
    };
    let started = GuestInstance::start(engine, pre, label, context, Purpose::Compute).await;
    let mut guest = started.map_err(LoadRefusal::Undescribed)?;
    let mut misfit = None;
    let described = guest
        .run(Purpose::Compute, async |store, instance| {
            if let Err(error) = contract.check_types(store, instance) {
                misfit = Some(format!("{error:#}"));
                return Err(error);
            }
            contract.describe(store, instance).await
        })
        .await;
    if let Some(misfit) = misfit {
        return Err(LoadRefusal::Unlinkable(misfit));
    }
    let description = described.map_err(LoadRefusal::Undescribed)?;
    description
        .check(&contract.kinds())
        .map_err(LoadRefusal::BadDescription)
}

/// Whether `digest` is what the operator pinned, if anything.
pub(crate) fn check_pin(digest: &str, pin: Option<&str>) -> Result<(), LoadRefusal> {
    match pin {
        Some(pinned) if !pinned.eq_ignore_ascii_case(digest) => Err(LoadRefusal::DigestMismatch {
            found: digest.to_owned(),
            pinned: pinned.to_owned(),
        }),
        _ => Ok(()),
    }
}
