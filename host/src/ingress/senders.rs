//! The senders, and how each of them signs.

use super::rates::RateKey;
use super::route_cache::{RouteCache, WebhookRoute};
use super::webhook_url::WebhookUrl;
use super::{github_app, nango};
use crate::config::Config;
use crate::domain::delivery::{Origin, Route};
use crate::domain::nango::PROVIDER_UNKNOWN;
use crate::domain::source::WebhookScheme;
use crate::domain::{OrgId, Timestamp};
use crate::provider::Registry;
use crate::secret::Secret;
use crate::verify::VerifyError;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The directory of senders: routes from the database, apps from the configuration.
pub(super) struct Senders {
    routes: RouteCache,
    /// Every registered provider that describes webhooks, by its id.
    providers: BTreeMap<String, ProviderApp>,
    nango: App,
    github_app: App,
}

/// A sender that signs for all tenants, with secrets of the operator's.
struct App {
    scheme: Arc<WebhookScheme>,
    secrets: Vec<Arc<Secret>>,
}

struct ProviderApp {
    app: App,
    /// False if the operator switched the provider off.
    is_enabled: bool,
}

/// A sender, found by its URL but not verified yet.
pub(super) struct Sender {
    /// The owner of its deliveries.
    pub(super) origin: Origin,
    pub(super) scheme: Arc<WebhookScheme>,
    /// Any one of them may have signed.
    pub(super) secrets: Vec<Arc<Secret>>,
}

impl Senders {
    pub(super) fn new(config: &Config, registry: &Registry, routes: RouteCache) -> Self {
        let shared = |secrets: &[Secret]| secrets.iter().cloned().map(Arc::new).collect();
        let providers = registry.iter().filter_map(|provider| {
            let scheme = Arc::new(provider.info().webhook.clone()?);
            let secrets = provider.app_secrets().iter().cloned();
            let secrets = secrets.map(|text| Arc::new(Secret::from(text))).collect();
            let app = ProviderApp {
                app: App { scheme, secrets },
                is_enabled: provider.is_enabled(),
            };
            Some((provider.info().id.clone(), app))
        });
        Self {
            routes,
            providers: providers.collect(),
            nango: App {
                scheme: Arc::new(nango::scheme()),
                secrets: shared(&config.nango.signing_key.0),
            },
            github_app: App {
                scheme: Arc::new(github_app::scheme()),
                secrets: shared(&config.github_app.webhook_secret.0),
            },
        }
    }

    pub(super) fn routes(&self) -> &RouteCache {
        &self.routes
    }

    /// True if the provider is registered, switched on, and takes webhooks.
    pub(super) fn takes_webhooks(&self, provider: &str) -> bool {
        self.enabled(provider).is_some()
    }

    /// Nango's own scheme and those of all providers, whose deliveries Nango forwards.
    pub(super) fn forwarded_schemes(&self) -> Vec<&WebhookScheme> {
        let providers = self.providers.values();
        let schemes = providers.map(|provider| &*provider.app.scheme);
        std::iter::once(&*self.nango.scheme)
            .chain(schemes)
            .collect()
    }

    /// The sender at `url`, with the secrets that are accepted at `now`.
    pub(super) fn find(&self, url: WebhookUrl<'_>, now: Timestamp) -> Option<Sender> {
        match url {
            WebhookUrl::Token(token) => self.of_route(&*self.routes.by_token(token)?, now),
            WebhookUrl::Integration { provider, id } => {
                let route = self.routes.by_integration(id)?;
                let is_of_provider = route.origin.provider == provider;
                is_of_provider.then(|| self.of_route(&route, now))?
            }
            WebhookUrl::App(provider) => {
                let app = self.enabled(provider)?;
                Some(app.sender(Route::Account, provider))
            }
            WebhookUrl::Nango => Some(self.nango.sender(Route::Nango, PROVIDER_UNKNOWN)),
            WebhookUrl::GithubApp => {
                let provider = github_app::PROVIDER;
                Some(self.github_app.sender(Route::Account, provider))
            }
        }
    }

    fn of_route(&self, route: &WebhookRoute, now: Timestamp) -> Option<Sender> {
        let app = self.enabled(&route.origin.provider)?;
        Some(Sender {
            origin: route.origin.clone(),
            scheme: Arc::clone(&app.scheme),
            secrets: route.secrets(now),
        })
    }

    fn enabled(&self, provider: &str) -> Option<&App> {
        let found = self.providers.get(provider)?;
        found.is_enabled.then_some(&found.app)
    }
}

impl App {
    fn sender(&self, route: Route, provider: &str) -> Sender {
        Sender {
            origin: Origin {
                route,
                provider: provider.to_owned(),
                org: None,
                trigger: None,
                integration: None,
            },
            scheme: Arc::clone(&self.scheme),
            secrets: self.secrets.clone(),
        }
    }
}

impl Sender {
    /// The key of the sender's quotas.
    pub(super) fn rate_key(&self) -> RateKey {
        let Origin {
            route,
            trigger,
            integration,
            ..
        } = &self.origin;
        match (trigger, integration, route) {
            (Some(trigger), ..) => RateKey::Route(trigger.0),
            (None, Some(integration), _) => RateKey::Route(integration.0),
            (None, None, Route::Nango) => RateKey::Nango,
            (None, None, _) => RateKey::App(self.origin.provider.clone()),
        }
    }

    /// None for an app, which sends for many organizations.
    pub(super) fn org(&self) -> Option<&OrgId> {
        self.origin.org.as_ref()
    }

    pub(super) fn has_secret(&self) -> bool {
        self.secrets.iter().any(|secret| !secret.is_blank())
    }

    /// Logs why a delivery was refused. The log never holds what was sent.
    pub(super) fn log_refusal(&self, error: VerifyError) {
        tracing::info!(
            provider.id = self.origin.provider,
            trigger.id = self.origin.trigger.map(tracing::field::display),
            integration.id = self.origin.integration.map(tracing::field::display),
            %error,
            "refused a delivery that could not be verified"
        );
    }
}
