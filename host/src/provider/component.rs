//! Loads a component's file: reading, compiling, linking and a trial call.
//!
//! Never does: apply the operator's entry; see `provider.rs`.

use crate::domain::Timestamp;
use crate::provider::cache::{Cache, CodeOrigin};
use crate::provider::contract::Contract;
use crate::provider::description::CheckedDescription;
use crate::provider::engine::Engine;
use crate::provider::guest::Guest;
use crate::provider::limits::Purpose;
use crate::provider::load_refusal::{LoadError, LoadRefusal};
use crate::provider::state::CallContext;
use sha2::{Digest, Sha256};
use std::path::Path;

/// A component that passed every check and is not registered yet.
pub(crate) struct LoadedComponent {
    pub(crate) description: CheckedDescription,
    /// Without settings: those are the operator's.
    pub(crate) guest: Guest,
    pub(crate) digest: String,
    pub(crate) origin: CodeOrigin,
}

impl LoadedComponent {
    /// Reads, compiles, links, instantiates, and asks for the description. Errors of the
    /// first delivery show up here instead. A file whose digest differs from `pin` never
    /// runs.
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
        // The largest components take seconds to compile, so this must not block a thread.
        let compile = {
            let (engine, cache, digest) = (engine.clone(), cache.clone(), digest.clone());
            move || cache.load(&engine, &wasm, &digest)
        };
        let (component, origin) = tokio::task::spawn_blocking(compile)
            .await
            .map_err(|panic| LoadRefusal::NoComponent(panic.to_string()))?
            .map_err(|error| LoadRefusal::NoComponent(format!("{error:#}")))?;
        let (contract, pre) = Contract::of(&component, engine.wasmtime(), engine.linker())?;
        let guest = Guest {
            id: path.display().to_string().into(),
            engine: engine.clone(),
            contract,
            pre,
            settings_json: String::new(),
        };
        Ok(Self {
            description: describe(&guest).await?,
            guest,
            digest,
            origin,
        })
    }
}

/// The trial call. It needs an instance, because only an instance's exports have their types
/// compared.
async fn describe(guest: &Guest) -> Result<CheckedDescription, LoadRefusal> {
    let contract = &guest.contract;
    let context = CallContext {
        now: Timestamp(0),
        seed: 0,
    };
    let started = guest.start(context, Purpose::Compute).await;
    let mut instance = started.map_err(LoadRefusal::Undescribed)?;
    let mut misfit = None;
    let described = instance
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

/// Compares `digest` with the one that the operator pinned, if any.
pub(crate) fn check_pin(digest: &str, pin: Option<&str>) -> Result<(), LoadRefusal> {
    match pin {
        Some(pinned) if !pinned.eq_ignore_ascii_case(digest) => Err(LoadRefusal::DigestMismatch {
            found: digest.to_owned(),
            pinned: pinned.to_owned(),
        }),
        _ => Ok(()),
    }
}
