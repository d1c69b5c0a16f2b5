//! The fields of a credential, which are sealed as JSON.

use crate::domain::IntegrationId;
use crate::domain::credential_kind::CredentialKind;
use crate::secret::{MasterKey, OpenError, SealedPlace, Secret};
use crate::store::SealedCredential;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

/// The credential of an integration.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Credential {
    /// A token that never changes.
    Token {
        /// The token.
        token: Secret,
    },
    /// A refresh token, which is exchanged for access tokens (RFC 6749 section 6).
    OauthRefresh {
        /// The service's token endpoint. A tenant wrote it.
        token_url: String,
        /// The OAuth client's id.
        client_id: String,
        /// The OAuth client's secret.
        client_secret: Secret,
        /// The current refresh token. The service may replace it.
        refresh_token: Secret,
        /// The scope to request. None requests everything that was granted.
        scope: Option<String>,
        /// The place of the client's secret that worked last.
        #[serde(default)]
        client_auth: ClientAuth,
    },
    /// The token that Nango has for the integration's connection.
    Nango {
        /// The id of Nango's own integration.
        provider_config_key: String,
    },
}

/// The place of a client's id and secret in a request (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// The form. Most services accept it, and some accept nothing else.
    #[default]
    Body,
    /// The `Authorization` header. A few services accept nothing else.
    Basic,
}

impl ClientAuth {
    /// The other place.
    pub fn other(self) -> Self {
        match self {
            Self::Body => Self::Basic,
            Self::Basic => Self::Body,
        }
    }
}

/// A credential with readable secrets. Only sealing uses it.
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
    /// The kind of the credential.
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

/// Seals a credential for the row of `seal_id`.
pub(super) fn sealed(
    master_key: &MasterKey,
    integration: IntegrationId,
    seal_id: Uuid,
    credential: &Credential,
) -> Vec<u8> {
    // Strings under string keys: this cannot fail.
    let json = serde_json::to_vec(&credential.exposed()).unwrap_or_default();
    let json = Zeroizing::new(json);
    master_key.seal(&json, place(integration, seal_id))
}

/// Opens a credential.
///
/// # Errors
/// See [`OpenError`]; `UnknownForm` also if a later release sealed it.
pub(super) fn open(
    master_key: &MasterKey,
    integration: IntegrationId,
    stored: &SealedCredential,
) -> Result<Credential, OpenError> {
    let json = master_key.open(&stored.sealed, place(integration, stored.seal_id))?;
    serde_json::from_slice(&json).map_err(|_| OpenError::UnknownForm)
}

fn place(integration: IntegrationId, seal_id: Uuid) -> SealedPlace {
    SealedPlace::Credential {
        integration,
        seal_id,
    }
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
            let as_access = SealedPlace::AccessToken {
                integration,
                seal_id: sealed.seal_id,
            };
            assert!(key.open(&sealed.sealed, as_access).is_err());
        }
    }

    #[test]
    fn no_secret_shows_in_debug_output() {
        let shown = format!("{:?}", credentials());
        assert!(shown.contains("login.example.com") && !shown.contains("hunter"));
    }
}
