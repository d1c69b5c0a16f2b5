//! The versions of the contract that this host speaks, side by side.
//!
//! The exports of a component show which version it was built against. Each version is one
//! variant of [`Contract`] and one module that converts its types; nothing outside of this
//! module knows about versions.
//!
//! A second major version is `mod v2`, a line in [`add_to_linker`], one in
//! [`Contract::of`], and a variant. The old module stays as it is.
//!
//! Never does: check the values that a guest returns; see `description` and `events`.

mod v1;

use crate::domain::delivery::ClaimedDelivery;
use crate::domain::event::{ParsedEvent, Verdict};
use crate::domain::poll::{PollPage, PollRequest};
use crate::domain::provider::ProviderKind;
use crate::provider::description::Description;
use crate::provider::failure::{ParseFailure, PollFailure};
use crate::provider::load_refusal::LoadRefusal;
use crate::provider::state::CallState;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Instance, InstancePre, Linker};
use wasmtime::{Engine, Store};

/// The packages that a component may import beside the contract's own: WASI, which is linked
/// but leads nowhere. Notably not `wasi:http`.
const WASI_PACKAGES: [&str; 6] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];

/// The package of the contract, without a version.
const PACKAGE: &str = "triggerhouse:provider/";

/// The contract that a component was built against, with its exports.
pub(crate) enum Contract {
    V1(v1::Exports),
}

/// Offers the imports of every version.
pub(crate) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    v1::add_to_linker(linker)
}

impl Contract {
    /// Chooses the contract by the imports and exports of `component`.
    ///
    /// # Errors
    /// A component that belongs to no contract, lacks an interface, or imports anything else.
    pub(crate) fn of(
        component: &Component,
        engine: &Engine,
        linker: &Linker<CallState>,
    ) -> Result<(Self, InstancePre<CallState>), LoadRefusal> {
        check_imports(component, engine)?;
        let built_against = built_against(component, engine);
        let supported = || v1::SUPPORTED.join(", ");
        match built_against.as_deref() {
            None => {
                return Err(LoadRefusal::NoProvider {
                    supported: supported(),
                });
            }
            Some(version) if major(version) != Some(v1::MAJOR) => {
                return Err(LoadRefusal::UnknownContract {
                    version: version.into(),
                    supported: v1::VERSION,
                });
            }
            Some(_) => {}
        }
        let pre = linker
            .instantiate_pre(component)
            .map_err(|error| LoadRefusal::Unlinkable(format!("{error:#}")))?;
        let version = built_against.unwrap_or_default();
        let exports = v1::Exports::probe(&pre, version)?;
        Ok((Self::V1(exports), pre))
    }

    /// The version that the component was built against, as `1.0.0`.
    pub(crate) fn version(&self) -> &str {
        match self {
            Self::V1(exports) => &exports.version,
        }
    }

    /// The kinds of triggers that the component serves.
    pub(crate) fn kinds(&self) -> Vec<ProviderKind> {
        match self {
            Self::V1(exports) => exports.kinds(),
        }
    }

    /// Looks up every export in `instance`. Only then does wasmtime compare types.
    pub(crate) fn check_types(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
    ) -> wasmtime::Result<()> {
        match self {
            Self::V1(exports) => exports.check_types(store, instance),
        }
    }

    /// Calls `describe.info`.
    pub(crate) async fn describe(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
    ) -> wasmtime::Result<Description> {
        match self {
            Self::V1(exports) => exports.describe(store, instance).await,
        }
    }

    /// Calls `webhook.parse`. The outer error is wasmtime's, the inner one the guest's.
    pub(crate) async fn parse(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        delivery: &ClaimedDelivery,
        settings: &str,
    ) -> wasmtime::Result<Result<Vec<ParsedEvent>, ParseFailure>> {
        match self {
            Self::V1(exports) => exports.parse(store, instance, delivery, settings).await,
        }
    }

    /// Calls `polling.poll` for at most `limit` events. The outer error is wasmtime's, the
    /// inner one the guest's.
    pub(crate) async fn poll(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        request: &PollRequest,
        limit: usize,
        settings: &str,
    ) -> wasmtime::Result<Result<PollPage, PollFailure>> {
        match self {
            Self::V1(exports) => {
                exports
                    .poll(store, instance, request, limit, settings)
                    .await
            }
        }
    }

    /// Calls `filter.matches`.
    pub(crate) async fn matches(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        event: &ParsedEvent,
        configs: &[&str],
    ) -> wasmtime::Result<Vec<Verdict>> {
        match self {
            Self::V1(exports) => exports.matches(store, instance, event, configs).await,
        }
    }
}

/// Refuses an unknown import by name. wasmtime would refuse it too, but cannot list the
/// supported ones.
fn check_imports(component: &Component, engine: &Engine) -> Result<(), LoadRefusal> {
    for (name, _) in component.component_type().imports(engine) {
        if let Some((_, version)) = contract_interface(name) {
            if major(version) != Some(v1::MAJOR) {
                return Err(LoadRefusal::UnknownContract {
                    version: version.into(),
                    supported: v1::VERSION,
                });
            }
        } else if !WASI_PACKAGES
            .iter()
            .any(|package| name.starts_with(package))
        {
            return Err(LoadRefusal::UnknownImport {
                name: name.into(),
                supported: v1::IMPORTS.join(", "),
            });
        }
    }
    Ok(())
}

/// The version of the contract's package among the exports.
fn built_against(component: &Component, engine: &Engine) -> Option<String> {
    let ty = component.component_type();
    let mut versions = ty
        .exports(engine)
        .filter(|(_, export)| matches!(export.ty, ComponentItem::ComponentInstance(_)))
        .filter_map(|(name, _)| contract_interface(name))
        .map(|(_, version)| version.to_owned());
    versions.next()
}

/// `triggerhouse:provider/webhook@1.0.0` as (`webhook`, `1.0.0`).
fn contract_interface(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(PACKAGE)?.split_once('@')
}

fn major(version: &str) -> Option<u64> {
    semver::Version::parse(version)
        .ok()
        .map(|version| version.major)
}
