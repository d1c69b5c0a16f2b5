//! Contract 1: the bindings to `wit/v1`, and the exports of a component.

mod bindings;
mod convert;
mod imports;

use crate::domain::delivery::ClaimedDelivery;
use crate::domain::event::{ParsedEvent, Verdict};
use crate::domain::poll::{PollPage, PollRequest};
use crate::domain::provider::ProviderKind;
use crate::provider::description::Description;
use crate::provider::error::GuestError;
use crate::provider::failure::{ParseFailure, PollFailure};
use crate::provider::load_refusal::LoadRefusal;
use crate::provider::state::CallState;
use bindings::exports::triggerhouse::provider as exports;
use bindings::triggerhouse::provider::types::ParseError;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

pub(super) use imports::add_to_linker;

/// The major version that a component must be built against.
pub(super) const MAJOR: u64 = 1;
/// The version that this host was built against.
pub(super) const VERSION: &str = "1.0.0";
/// The interfaces of which a provider exports at least one.
pub(super) const SUPPORTED: [&str; 2] = [WEBHOOK, POLLING];
/// The interfaces that a component may import.
pub(super) const IMPORTS: [&str; 3] = [
    "triggerhouse:provider/log@1.0.0",
    "triggerhouse:provider/http@1.0.0",
    "WASI 0.2 without wasi:http",
];

const DESCRIBE: &str = "triggerhouse:provider/describe@1.0.0";
const FILTER: &str = "triggerhouse:provider/filter@1.0.0";
const WEBHOOK: &str = "triggerhouse:provider/webhook@1.0.0";
const POLLING: &str = "triggerhouse:provider/polling@1.0.0";

/// The exports that a component has.
pub(crate) struct Exports {
    /// The version of the contract that it was built against.
    pub(super) version: String,
    describe: exports::describe::GuestIndices,
    filter: exports::filter::GuestIndices,
    webhook: Option<exports::webhook::GuestIndices>,
    polling: Option<exports::polling::GuestIndices>,
}

impl Exports {
    /// Looks each export up.
    pub(super) fn probe(
        pre: &InstancePre<CallState>,
        version: String,
    ) -> Result<Self, LoadRefusal> {
        let has = |name| pre.component().get_export_index(None, name).is_some();
        let incomplete = |error: wasmtime::Error| LoadRefusal::Unlinkable(format!("{error:#}"));
        for interface in [DESCRIBE, FILTER] {
            if !has(interface) {
                return Err(LoadRefusal::MissingInterface { interface });
            }
        }
        if !has(WEBHOOK) && !has(POLLING) {
            let supported = SUPPORTED.join(", ");
            return Err(LoadRefusal::NoProvider { supported });
        }
        Ok(Self {
            version,
            describe: exports::describe::GuestIndices::new(pre).map_err(incomplete)?,
            filter: exports::filter::GuestIndices::new(pre).map_err(incomplete)?,
            webhook: has(WEBHOOK)
                .then(|| exports::webhook::GuestIndices::new(pre))
                .transpose()
                .map_err(incomplete)?,
            polling: has(POLLING)
                .then(|| exports::polling::GuestIndices::new(pre))
                .transpose()
                .map_err(incomplete)?,
        })
    }

    pub(super) fn kinds(&self) -> Vec<ProviderKind> {
        let webhook = self.webhook.as_ref().map(|_| ProviderKind::Webhook);
        let polling = self.polling.as_ref().map(|_| ProviderKind::Polling);
        webhook.into_iter().chain(polling).collect()
    }

    pub(super) fn check_types(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
    ) -> wasmtime::Result<()> {
        self.describe.load(&mut *store, instance)?;
        self.filter.load(&mut *store, instance)?;
        if let Some(webhook) = &self.webhook {
            webhook.load(&mut *store, instance)?;
        }
        if let Some(polling) = &self.polling {
            polling.load(&mut *store, instance)?;
        }
        Ok(())
    }

    pub(super) async fn describe(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
    ) -> wasmtime::Result<Description> {
        let guest = self.describe.load(&mut *store, instance)?;
        Ok(guest.call_info(store).await?.into())
    }

    pub(super) async fn parse(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        delivery: &ClaimedDelivery,
        settings: &str,
    ) -> wasmtime::Result<Result<Vec<ParsedEvent>, ParseFailure>> {
        let Some(webhook) = &self.webhook else {
            return Ok(Err(GuestError::NotExported("webhook").into()));
        };
        let request = convert::request(delivery, settings);
        let guest = webhook.load(&mut *store, instance)?;
        Ok(match guest.call_parse(store, &request).await? {
            Ok(events) => convert::events(events).map_err(Into::into),
            Err(ParseError::Ignored(reason)) => Err(ParseFailure::Ignored(reason)),
            Err(ParseError::Malformed(reason) | ParseError::Other(reason)) => {
                Err(ParseFailure::Malformed(reason))
            }
        })
    }

    pub(super) async fn poll(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        request: &PollRequest,
        limit: usize,
        settings: &str,
    ) -> wasmtime::Result<Result<PollPage, PollFailure>> {
        let Some(polling) = &self.polling else {
            return Ok(Err(GuestError::NotExported("polling").into()));
        };
        let request = convert::poll_request(request, limit, settings);
        let guest = polling.load(&mut *store, instance)?;
        Ok(match guest.call_poll(store, &request).await? {
            Ok(page) => convert::page(page).map_err(Into::into),
            Err(error) => Err(error.into()),
        })
    }

    pub(super) async fn matches(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        event: &ParsedEvent,
        configs: &[&str],
    ) -> wasmtime::Result<Vec<Verdict>> {
        let guest = self.filter.load(&mut *store, instance)?;
        let event = convert::event_for_guest(event);
        let configs: Vec<String> = configs.iter().map(|config| (*config).to_owned()).collect();
        let verdicts = guest.call_matches(store, &event, &configs).await?;
        Ok(verdicts.into_iter().map(Verdict::from).collect())
    }
}
