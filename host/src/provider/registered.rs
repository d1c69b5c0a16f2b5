//! A provider: a component as the operator registered it.

use crate::domain::provider::{ProviderInfo, ProviderState};
use crate::egress::{self, Egress, HostPolicy};
use crate::provider::cache::{Cache, CodeOrigin};
use crate::provider::component::{LoadedComponent, check_pin};
use crate::provider::contract::Contract;
use crate::provider::engine::Engine;
use crate::provider::error::GuestError;
use crate::provider::fetcher::{Fetcher, PollAccess};
use crate::provider::instance::GuestInstance;
use crate::provider::limits::Purpose;
use crate::provider::refusal::{LoadError, LoadRefusal};
use crate::provider::registration::RegistryEntry;
use crate::provider::schema::{ConfigError, Schema};
use crate::provider::session::Session;
use crate::provider::state::{CallContext, CallState};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::InstancePre;

/// A component that is registered.
pub struct Provider {
    info: ProviderInfo,
    id: Arc<str>,
    engine: Engine,
    contract: Contract,
    pre: InstancePre<CallState>,
    config: Schema,
    settings_json: String,
    allow_hosts: Vec<String>,
    hosts: Arc<HostPolicy>,
    app_secrets: Vec<String>,
    origin: CodeOrigin,
}

impl Provider {
    /// Loads one component outside of a registry.
    ///
    /// # Errors
    /// See [`LoadRefusal`]: each is final until the file or the entry changes.
    pub async fn load(
        engine: &Engine,
        cache: &Cache,
        path: &Path,
        entry: &RegistryEntry,
    ) -> Result<Arc<Self>, LoadError> {
        let component = LoadedComponent::load(engine, cache, path, entry.sha256.as_deref()).await?;
        Self::register(component, entry, path)
    }

    /// Applies what the operator says.
    pub(crate) fn register(
        component: LoadedComponent,
        entry: &RegistryEntry,
        path: &Path,
    ) -> Result<Arc<Self>, LoadError> {
        Self::apply(component, entry)
            .map(Arc::new)
            .map_err(|refusal| LoadError {
                path: path.to_owned(),
                refusal,
            })
    }

    fn apply(component: LoadedComponent, entry: &RegistryEntry) -> Result<Self, LoadRefusal> {
        let description = component.description;
        check_pin(&component.digest, entry.sha256.as_deref())?;
        if let Some(registered) = entry.id.as_ref().filter(|id| **id != description.id) {
            return Err(LoadRefusal::IdMismatch {
                described: description.id,
                registered: registered.clone(),
            });
        }
        let settings = Value::Object(entry.settings.clone());
        if let Some(schema) = &description.settings {
            schema
                .check(&settings)
                .map_err(|errors| LoadRefusal::BadSettings(join(&errors)))?;
        }
        let allow_hosts = entry.allow_hosts.iter().map(|host| egress::entry(host));
        let allow_hosts: Vec<String> = allow_hosts
            .collect::<Result<_, _>>()
            .map_err(LoadRefusal::BadGrant)?;
        let declared = match &description.polling {
            Some(polling) => &polling.allowed_hosts[..],
            None => &[],
        };
        let hosts = Arc::new(HostPolicy::new(declared, &allow_hosts));
        Ok(Self {
            id: description.id.as_str().into(),
            info: ProviderInfo {
                id: description.id,
                name: description.name,
                description: description.description,
                version: description.version,
                contract: component.contract.version().to_owned(),
                kinds: component.contract.kinds(),
                config_schema: description.config.document().clone(),
                settings_schema: description.settings.map(|schema| schema.document().clone()),
                webhook: description.webhook,
                polling: description.polling,
                digest: component.digest,
                state: match entry.enabled {
                    true => ProviderState::Active,
                    false => ProviderState::Disabled,
                },
            },
            engine: component.engine,
            contract: component.contract,
            pre: component.pre,
            config: description.config,
            settings_json: settings.to_string(),
            hosts,
            allow_hosts,
            app_secrets: entry.app_secrets.clone(),
            origin: component.origin,
        })
    }

    /// What `/providers` shows.
    pub fn info(&self) -> &ProviderInfo {
        &self.info
    }

    /// Whether it can run.
    pub fn is_enabled(&self) -> bool {
        self.info.state == ProviderState::Active
    }

    /// The app-level secrets that the operator gave. Never handed to the guest.
    pub fn app_secrets(&self) -> &[String] {
        &self.app_secrets
    }

    /// The hosts that the operator grants, in the form in which they are compared.
    pub fn allow_hosts(&self) -> &[String] {
        &self.allow_hosts
    }

    /// How the component came into memory.
    pub fn origin(&self) -> CodeOrigin {
        self.origin
    }

    /// Checks a trigger's configuration against the provider's schema.
    ///
    /// # Errors
    /// What is wrong and where; never empty.
    pub fn check_config(&self, config: &Value) -> Result<(), Vec<ConfigError>> {
        self.config.check(config)
    }

    /// A fresh instance for one delivery. Waits while as many exist as may; who
    /// holds a session must not wait for another one.
    ///
    /// # Errors
    /// See [`GuestError`].
    pub async fn open(self: &Arc<Self>, context: CallContext) -> Result<Session, GuestError> {
        if !self.is_enabled() {
            return Err(GuestError::Disabled);
        }
        let instance = self.start(context, Purpose::Compute).await?;
        Ok(Session::new(Arc::clone(self), instance, None))
    }

    /// A fresh instance for one poll, with a way out. Does not wait: where as many
    /// polls run as may, it is [`GuestError::Busy`] at once.
    ///
    /// # Errors
    /// See [`GuestError`].
    pub async fn open_poll(
        self: &Arc<Self>,
        context: CallContext,
        egress: &Egress,
        access: PollAccess,
    ) -> Result<Session, GuestError> {
        if !self.is_enabled() {
            return Err(GuestError::Disabled);
        }
        let Some(source) = &self.info.polling else {
            return Err(GuestError::NotExported("polling"));
        };
        let fetcher = Fetcher::new(
            egress,
            Arc::clone(&self.id),
            Arc::clone(&self.hosts),
            source.credential.clone(),
            access,
            context.now,
        );
        let instance = self.start(context, Purpose::Poll).await?;
        Ok(Session::new(Arc::clone(self), instance, Some(fetcher)))
    }

    async fn start(
        &self,
        context: CallContext,
        purpose: Purpose,
    ) -> Result<GuestInstance, GuestError> {
        let id = Arc::clone(&self.id);
        GuestInstance::start(&self.engine, &self.pre, id, context, purpose).await
    }

    pub(crate) fn contract(&self) -> &Contract {
        &self.contract
    }

    /// How long a poll may take.
    pub(crate) fn poll_wall(&self) -> Duration {
        self.engine.limits().call(Purpose::Poll).wall()
    }

    pub(crate) fn settings_json(&self) -> &str {
        &self.settings_json
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider")
            .field("id", &self.id)
            .field("digest", &self.info.digest)
            .field("state", &self.info.state)
            .finish_non_exhaustive()
    }
}

fn join(errors: &[ConfigError]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}
