//! The credential in the body of an integration.

use crate::api::check::Checks;
use crate::api::values::{Reference, Token};
use crate::config::Config;
use crate::credentials::{ClientAuth, Credential};
use crate::domain::patch::Patch;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use url::Url;
use utoipa::ToSchema;

/// The most characters of a token endpoint's URL.
const URL_CHARS_MAX: usize = 2_048;
/// The most characters of a scope.
const SCOPE_CHARS_MAX: usize = 2_048;

/// The credential for polling an integration's service.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = Credential)]
pub(super) enum CredentialBody {
    /// A token or API key that does not expire.
    Token {
        /// The token: 1 to 8192 bytes of one line.
        token: Token,
    },
    /// A refresh token (RFC 6749 section 6). The host gets access tokens with it and renews
    /// them before they expire.
    OauthRefresh {
        /// The service's token endpoint: an https URL of a public host, or an address and
        /// port that the operator allows. 1 to 2048 characters.
        #[schema(min_length = 1, max_length = 2048, format = "uri")]
        token_url: String,
        /// The client's id: 1 to 512 characters.
        client_id: Reference,
        /// The client's secret: 1 to 8192 bytes of one line.
        client_secret: Token,
        /// The refresh token: 1 to 8192 bytes of one line. If the service returns a new
        /// one, the new one replaces it.
        refresh_token: Token,
        /// The scope to request: 1 to 2048 characters. If absent, the whole scope that was
        /// granted.
        #[schema(min_length = 1, max_length = 2048)]
        scope: Option<String>,
    },
    /// Nango's credential for the integration's `connection_id`.
    Nango {
        /// The name of the integration at Nango: 1 to 512 characters. If absent, that of the
        /// integration here, or the provider's id.
        provider_config_key: Option<Reference>,
    },
}

/// The integration that the credential is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) provider: &'a str,
    pub(super) has_connection: bool,
    pub(super) provider_config_key: Option<&'a str>,
}

/// Reads a credential or null. An error never quotes the value of a secret.
pub(super) fn object<'de, D>(deserializer: D) -> Result<Option<CredentialBody>, D::Error>
where
    D: Deserializer<'de>,
{
    let fields: Option<Map<String, Value>> =
        Option::deserialize(deserializer).map_err(|_| D::Error::custom("expected an object"))?;
    let body = fields.map(|fields| CredentialBody::deserialize(Value::Object(fields)));
    body.transpose().map_err(D::Error::custom)
}

/// Reads a credential as a change: null clears it.
pub(super) fn object_or_null<'de, D>(deserializer: D) -> Result<Patch<CredentialBody>, D::Error>
where
    D: Deserializer<'de>,
{
    object(deserializer).map(Patch::from)
}

impl CredentialBody {
    /// Checks the credential; none only if it has added an error.
    pub(super) fn check(
        self,
        checks: &mut Checks,
        config: &Config,
        wanted: Wanted<'_>,
    ) -> Option<Credential> {
        match self {
            Self::Token { token } => {
                let token = token.check(checks, "/credential/token");
                Some(Credential::Token { token })
            }
            Self::OauthRefresh {
                token_url,
                client_id,
                client_secret,
                refresh_token,
                scope,
            } => {
                let client_secret = client_secret.check(checks, "/credential/client_secret");
                let refresh_token = refresh_token.check(checks, "/credential/refresh_token");
                Some(Credential::OauthRefresh {
                    client_id: client_id.check(checks, "/credential/client_id"),
                    token_url: check_url(checks, config, &token_url)?.into(),
                    client_secret,
                    refresh_token,
                    scope: scope
                        .map(|scope| checks.line("/credential/scope", &scope, SCOPE_CHARS_MAX)),
                    client_auth: ClientAuth::default(),
                })
            }
            Self::Nango {
                provider_config_key,
            } => {
                if !config.nango.has_api() {
                    checks.add(
                        "/credential/type",
                        "is not available: the operator has not set nango.secret_key",
                    );
                }
                if !wanted.has_connection {
                    checks.add("/connection_id", "is required for a Nango credential");
                }
                Some(Credential::Nango {
                    provider_config_key: match provider_config_key {
                        Some(key) => key.check(checks, "/credential/provider_config_key"),
                        None => {
                            let of_integration = wanted.provider_config_key;
                            of_integration.unwrap_or(wanted.provider).to_owned()
                        }
                    },
                })
            }
        }
    }
}

/// Checks that the host may call a URL. Each call also checks the address that the URL's
/// host name resolves to.
fn check_url(checks: &mut Checks, config: &Config, text: &str) -> Option<Url> {
    let pointer = "/credential/token_url";
    let text = checks.line(pointer, text, URL_CHARS_MAX);
    let checked = Url::parse(&text)
        .map_err(|error| error.to_string())
        .and_then(|url| {
            config.credentials.allow_hosts.check(&url)?;
            // A token endpoint's URL has no fragment (RFC 6749 section 3.2).
            match url.fragment() {
                Some(_) => Err("has a fragment".into()),
                None => Ok(url),
            }
        });
    match checked {
        Ok(url) => Some(url),
        Err(reason) => {
            checks.add(
                pointer,
                format!("expected a URL that the host may call: {reason}"),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "object")]
        credential: Option<CredentialBody>,
    }

    fn read(credential: Value) -> Result<Body, String> {
        serde_json::from_value(json!({ "credential": credential })).map_err(|e| e.to_string())
    }

    #[test]
    fn an_error_quotes_no_secret() {
        for (body, expected) in [
            (json!("hunter2"), "expected an object"),
            (json!(["hunter2"]), "expected an object"),
            (json!({"type": "token"}), "missing field `token`"),
            (
                json!({"type": "token", "token": 1234567}),
                "expected a string",
            ),
            (
                json!({"type": "token", "token": ["hunter2"]}),
                "expected a string",
            ),
            (
                json!({"type": "token", "token": "hunter2", "x": 1}),
                "unknown field `x`",
            ),
            (
                json!({"type": "nango", "token": "hunter2"}),
                "unknown field `token`",
            ),
            (json!({"token": "hunter2"}), "missing field `type`"),
            (
                json!({"type": "basic"}),
                "expected one of `token`, `oauth_refresh`, `nango`",
            ),
        ] {
            let error = read(body).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(
                !error.contains("hunter") && !error.contains("1234567"),
                "{error}"
            );
        }
        assert!(read(json!(null)).unwrap().credential.is_none());
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let body = read(
            json!({"type": "oauth_refresh", "token_url": "https://a.example",
            "client_id": "me", "client_secret": "hunter2", "refresh_token": "hunter3"}),
        );
        let shown = format!("{:?}", body.unwrap());
        assert!(
            shown.contains("a.example") && !shown.contains("hunter"),
            "{shown}"
        );
    }
}
