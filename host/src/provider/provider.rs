//! A provider: a component with the operator's entry applied to it.

use crate::domain::provider::{ProviderInfo, ProviderState};
use crate::egress::{self, Egress, HostPolicy};
use crate::provider::cache::{Cache, CodeOrigin};
use crate::provider::component::{LoadedComponent, check_pin};
use crate::provider::engine::Engine;
use crate::provider::error::GuestError;
use crate::provider::fetcher::{Fetcher, PollAccess};
use crate::provider::guest::Guest;
use crate::provider::limits::Purpose;
use crate::provider::load_refusal::{LoadError, LoadRefusal};
use crate::provider::registration::RegistryEntry;
use crate::provider::schema::{ConfigError, Schema};
use crate::provider::session::Session;
use crate::provider::state::CallContext;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// A component that the operator has registered.
pub struct Provider {
    info: ProviderInfo,
    guest: Arc<Guest>,
    config: Schema,
    allow_hosts: Vec<String>,
    hosts: Arc<HostPolicy>,
    app_secrets: Vec<String>,
    origin: CodeOrigin,
}

impl Provider {
    /// Loads one component outside of a registry.
    ///
    /// # Errors
    /// See [`LoadRefusal`]: each lasts until the file or the entry changes.
    pub async fn load(
        engine: &Engine,
        cache: &Cache,
        path: &Path,
        entry: &RegistryEntry,
    ) -> Result<Arc<Self>, LoadError> {
        let component = LoadedComponent::load(engine, cache, path, entry.sha256.as_deref()).await?;
        Self::register(component, entry, path)
    }

    /// Applies the operator's entry to a component.
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
        let guest = Guest {
            id: description.id.as_str().into(),
            settings_json: settings.to_string(),
            ..component.guest
        };
        Ok(Self {
            info: ProviderInfo {
                id: description.id,
                name: description.name,
                description: description.description,
                version: description.version,
                contract: guest.contract.version().to_owned(),
                kinds: guest.contract.kinds(),
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
            guest: Arc::new(guest),
            config: description.config,
            hosts,
            allow_hosts,
            app_secrets: entry.app_secrets.clone(),
            origin: component.origin,
        })
    }

    /// The provider as `/providers` shows it.
    pub fn info(&self) -> &ProviderInfo {
        &self.info
    }

    /// True if the operator has enabled the provider.
    pub fn is_enabled(&self) -> bool {
        self.info.state == ProviderState::Active
    }

    /// The operator's app-level secrets. Never handed to the guest.
    pub fn app_secrets(&self) -> &[String] {
        &self.app_secrets
    }

    /// The hosts that the operator grants, in the form in which egress compares them.
    pub fn allow_hosts(&self) -> &[String] {
        &self.allow_hosts
    }

    /// The origin of the machine code.
    pub fn origin(&self) -> CodeOrigin {
        self.origin
    }

    /// Checks a trigger's configuration against the provider's schema.
    ///
    /// # Errors
    /// The errors with their pointers; never empty.
    pub fn check_config(&self, config: &Value) -> Result<(), Vec<ConfigError>> {
        self.config.check(config)
    }

    /// A fresh instance for one delivery. Waits while all instances are in use, so a caller
    /// that holds a session must not open another one.
    ///
    /// # Errors
    /// See [`GuestError`].
    pub async fn open(&self, context: CallContext) -> Result<Session, GuestError> {
        if !self.is_enabled() {
            return Err(GuestError::Disabled);
        }
        let instance = self.guest.start(context, Purpose::Compute).await?;
        Ok(Session::new(Arc::clone(&self.guest), instance, None))
    }

    /// A fresh instance for one poll, which may send requests. Does not wait: returns
    /// [`GuestError::Busy`] at once while all instances are in use.
    ///
    /// # Errors
    /// See [`GuestError`].
    pub async fn open_poll(
        &self,
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
            Arc::clone(&self.guest.id),
            Arc::clone(&self.hosts),
            source.credential.clone(),
            access,
            context.now,
        );
        let instance = self.guest.start(context, Purpose::Poll).await?;
        Ok(Session::new(
            Arc::clone(&self.guest),
            instance,
            Some(fetcher),
        ))
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider")
            .field("id", &self.info.id)
            .field("digest", &self.info.digest)
            .field("state", &self.info.state)
            .finish_non_exhaustive()
    }
}

fn join(errors: &[ConfigError]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}
