//! What a credential holds, and how it is sealed: as JSON, encrypted with the master
//! key, and bound to its row.

use crate::domain::IntegrationId;
use crate::domain::credential::CredentialKind;
use crate::secret::{MasterKey, OpenError, Secret};
use crate::store::SealedCredential;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

/// With what an integration is polled.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Credential {
    /// A token that was given, and stays.
    Token {
        /// The token.
        token: Secret,
    },
    /// What access tokens are got by (RFC 6749 section 6).
    OauthRefresh {
        /// The service's token endpoint, as a tenant wrote it.
        token_url: String,
        /// The client.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
        /// The refresh token, which the service may replace.
        refresh_token: Secret,
        /// What to ask for, if not for everything that was granted.
        scope: Option<String>,
        /// Where the client's secret stands, as far as is known.
        #[serde(default)]
        client_auth: ClientAuth,
    },
    /// What Nango has for the integration's connection.
    Nango {
        /// Nango's name for its own integration.
        provider_config_key: String,
    },
}

/// Where a client's id and secret stand in a request (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// In the form. What most services take, and some take nothing else.
    #[default]
    Body,
    /// In the header. The only place of others.
    Basic,
}

impl ClientAuth {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Body => Self::Basic,
            Self::Basic => Self::Body,
        }
    }
}

/// A credential with its secrets to be seen, for sealing alone.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Exposed<'a> {
    Token {
        token: &'a str,
    },
    OauthRefresh {
        token_url: &'a str,
        client_id: &'a str,
        client_secret: &'a str,
        refresh_token: &'a str,
        scope: Option<&'a str>,
        client_auth: ClientAuth,
    },
    Nango {
        provider_config_key: &'a str,
    },
}

impl Credential {
    /// What kind it is.
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::Token { .. } => CredentialKind::Token,
            Self::OauthRefresh { .. } => CredentialKind::OauthRefresh,
            Self::Nango { .. } => CredentialKind::Nango,
        }
    }

    fn exposed(&self) -> Exposed<'_> {
        match self {
            Self::Token { token } => Exposed::Token {
                token: token.expose(),
            },
            Self::OauthRefresh {
                token_url,
                client_id,
                client_secret,
                refresh_token,
                scope,
                client_auth,
            } => Exposed::OauthRefresh {
                token_url,
                client_id,
                client_secret: client_secret.expose(),
                refresh_token: refresh_token.expose(),
                scope: scope.as_deref(),
                client_auth: *client_auth,
            },
            Self::Nango {
                provider_config_key,
            } => Exposed::Nango {
                provider_config_key,
            },
        }
    }
}

/// A new row for an integration's credential.
pub fn seal(
    master_key: &MasterKey,
    integration: IntegrationId,
    credential: &Credential,
) -> SealedCredential {
    let seal_id = Uuid::now_v7();
    SealedCredential {
        seal_id,
        kind: credential.kind(),
        sealed: sealed(master_key, integration, seal_id, credential),
    }
}

/// A credential as it stands in the row of `seal_id`.
pub(super) fn sealed(
    master_key: &MasterKey,
    integration: IntegrationId,
    seal_id: Uuid,
    credential: &Credential,
) -> Vec<u8> {
    // Strings under strings: there is nothing that JSON could not hold.
    let json = serde_json::to_vec(&credential.exposed()).unwrap_or_default();
    let json = Zeroizing::new(json);
    master_key.seal(&json, &context(integration, seal_id))
}

/// Opens a credential.
///
/// # Errors
/// See [`OpenError`]; `UnknownForm` also if a later release wrote it.
pub(super) fn open(
    master_key: &MasterKey,
    integration: IntegrationId,
    stored: &SealedCredential,
) -> Result<Credential, OpenError> {
    let json = master_key.open(&stored.sealed, &context(integration, stored.seal_id))?;
    serde_json::from_slice(&json).map_err(|_| OpenError::UnknownForm)
}

/// Whether a credential was sealed with this key.
pub(crate) fn opens(
    master_key: &MasterKey,
    integration: IntegrationId,
    seal_id: Uuid,
    sealed: &[u8],
) -> bool {
    master_key
        .open(sealed, &context(integration, seal_id))
        .is_ok()
}

/// What a credential's sealing is bound to: table, column, row and its version.
fn context(integration: IntegrationId, seal_id: Uuid) -> String {
    format!("credentials.sealed {integration} {seal_id}")
}

/// What an access token's sealing is bound to.
pub(super) fn access_context(integration: IntegrationId, seal_id: Uuid) -> String {
    format!("credentials.access_sealed {integration} {seal_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> [Credential; 3] {
        [
            Credential::Token {
                token: "hunter1".into(),
            },
            Credential::OauthRefresh {
                token_url: "https://login.example.com/token".into(),
                client_id: "me".into(),
                client_secret: "hunter2".into(),
                refresh_token: "hunter3".into(),
                scope: Some("read".into()),
                client_auth: ClientAuth::Basic,
            },
            Credential::Nango {
                provider_config_key: "mail".into(),
            },
        ]
    }

    #[test]
    fn a_credential_is_opened_as_it_was_sealed_in_its_own_row_only() {
        let key = MasterKey::generate();
        let integration = IntegrationId::new();
        for credential in credentials() {
            let sealed = seal(&key, integration, &credential);
            let opened = open(&key, integration, &sealed).unwrap();
            let json =
                |credential: &Credential| serde_json::to_value(credential.exposed()).unwrap();
            assert_eq!(json(&opened), json(&credential));
            assert_eq!(opened.kind(), sealed.kind);
            assert!(open(&key, IntegrationId::new(), &sealed).is_err());
            let moved = SealedCredential {
                seal_id: Uuid::now_v7(),
                ..sealed.clone()
            };
            assert!(open(&key, integration, &moved).is_err());
            let as_access = access_context(integration, sealed.seal_id);
            assert!(key.open(&sealed.sealed, &as_access).is_err());
        }
    }

    #[test]
    fn no_secret_shows_in_what_is_printed_for_debugging() {
        let shown = format!("{:?}", credentials());
        assert!(shown.contains("login.example.com") && !shown.contains("hunter"));
    }
}
