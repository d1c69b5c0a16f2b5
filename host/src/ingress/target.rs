//! To whom a delivery goes, and what it takes to verify it.

use super::delivery::IngressState;
use super::rate::SourceKey;
use super::routes::Source;
use crate::domain::Timestamp;
use crate::domain::delivery::{Origin, Route};
use crate::domain::source::WebhookScheme;
use crate::provider::{Provider, Registry};
use crate::secret::Secret;
use std::collections::HashMap;
use std::sync::Arc;

/// Whose secrets count.
pub(super) enum Target<'a> {
    /// Those of a trigger or an integration.
    Known(&'a (dyn Fn() -> Option<Arc<Source>> + Sync)),
    /// Those of a provider's app.
    App(&'a str),
}

/// A target with everything that a delivery to it needs.
pub(super) struct Resolved {
    pub(super) origin: Origin,
    provider: Arc<Provider>,
    pub(super) secrets: Vec<Arc<Secret>>,
}
impl Resolved {
    /// Whose quota a delivery to it takes from.
    pub(super) fn source_key(&self) -> SourceKey {
        let origin = &self.origin;
        let subject = origin.trigger.map(|id| id.0);
        match subject.or(origin.integration.map(|id| id.0)) {
            Some(subject) => SourceKey::Subject(subject),
            None => SourceKey::App(origin.provider.clone()),
        }
    }

    pub(super) fn source(&self) -> Option<&WebhookScheme> {
        self.provider.info().webhook.as_ref()
    }
}

impl Target<'_> {
    pub(super) fn resolve(&self, state: &IngressState, now: Timestamp) -> Option<Resolved> {
        let (origin, secrets) = match self {
            Self::Known(find) => {
                let source = find()?;
                (source.origin.clone(), source.secrets(now))
            }
            Self::App(provider) => {
                let secrets = state
                    .app_secrets
                    .get(*provider)
                    .cloned()
                    .unwrap_or_default();
                let origin = Origin {
                    route: Route::Account,
                    provider: (*provider).to_owned(),
                    org: None,
                    trigger: None,
                    integration: None,
                };
                (origin, secrets)
            }
        };
        let provider = state.registry.get(&origin.provider)?;
        let usable = provider.is_enabled() && provider.info().webhook.is_some();
        usable.then_some(Resolved {
            origin,
            provider,
            secrets,
        })
    }
}

/// The secrets of each provider's app, as the operator configured them.
pub fn app_secrets(registry: &Registry) -> HashMap<String, Vec<Arc<Secret>>> {
    let secrets = |provider: &Arc<Provider>| {
        provider
            .app_secrets()
            .iter()
            .map(|text| Arc::new(Secret::from(text.clone())))
            .collect()
    };
    registry
        .iter()
        .map(|provider| (provider.info().id.clone(), secrets(provider)))
        .collect()
}
