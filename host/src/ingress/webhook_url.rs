//! The URL that a delivery was sent to.

use crate::domain::IntegrationId;

/// One of the five kinds of webhook URL.
#[derive(Clone, Copy, Debug)]
pub(super) enum WebhookUrl<'a> {
    /// `/webhooks/t/{token}`: a trigger.
    Token(&'a str),
    /// `/webhooks/direct/{provider}/{integration_id}`: an integration.
    Integration {
        provider: &'a str,
        id: IntegrationId,
    },
    /// `/webhooks/direct/{provider}`: a provider's app.
    App(&'a str),
    /// `/webhooks/nango` and `/api/webhooks/nango`.
    Nango,
    /// `/api/webhooks/github-app`.
    GithubApp,
}

impl WebhookUrl<'_> {
    /// The part of the URL that names the sender, for a 404.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Integration { .. } => "integration",
            Self::App(_) | Self::Nango | Self::GithubApp => "provider",
        }
    }

    /// True if the API manages the secrets behind this URL, so that another replica
    /// may have changed them a moment ago. Otherwise they are configuration.
    pub(super) fn is_route(&self) -> bool {
        matches!(self, Self::Token(_) | Self::Integration { .. })
    }
}
