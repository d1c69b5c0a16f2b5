//! The credential of an integration, as a request brings it.

use crate::api::check::{Checks, REFERENCE_CHARS_MAX};
use crate::config::Config;
use crate::credentials::{ClientAuth, Credential};
use crate::egress::PublicUrls;
use crate::secret::Secret;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use url::Url;
use utoipa::ToSchema;

/// Bytes of a token or a client's secret.
const TOKEN_BYTES_MAX: usize = 8_192;
/// Characters of a token endpoint's URL.
const URL_CHARS_MAX: usize = 2_048;
/// Characters of a scope.
const SCOPE_CHARS_MAX: usize = 2_048;

/// With what an integration's service is polled.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = Credential)]
pub(super) enum CredentialBody {
    /// A token or key that stays the same.
    Token {
        /// 1 to 8192 bytes.
        #[schema(value_type = String)]
        token: Secret,
    },
    /// A refresh token (RFC 6749 section 6), by which access tokens are got ahead of
    /// their end.
    OauthRefresh {
        /// The service's token endpoint: a public host, by https, or an address and
        /// port that the operator allows; 1 to 2048 characters.
        token_url: String,
        /// 1 to 512 characters.
        client_id: String,
        /// 1 to 8192 bytes.
        #[schema(value_type = String)]
        client_secret: Secret,
        /// 1 to 8192 bytes. One that the service gives in its place replaces it.
        #[schema(value_type = String)]
        refresh_token: Secret,
        /// What to ask for, if not for everything that was granted: 1 to 2048
        /// characters.
        scope: Option<String>,
    },
    /// What Nango has for the integration's `connection_id`.
    Nango {
        /// Nango's name for its integration: 1 to 512 characters; the provider's id
        /// if it is absent.
        provider_config_key: Option<String>,
    },
}

/// What is known of the integration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) provider: &'a str,
    pub(super) has_connection: bool,
}

/// A credential, or null. What cannot be read is described without what stands in a
/// secret's place.
pub(super) fn object<'de, D>(deserializer: D) -> Result<Option<CredentialBody>, D::Error>
where
    D: Deserializer<'de>,
{
    let fields: Option<Map<String, Value>> =
        Option::deserialize(deserializer).map_err(|_| D::Error::custom("expected an object"))?;
    let body = fields.map(|fields| CredentialBody::deserialize(Value::Object(fields)));
    body.transpose().map_err(D::Error::custom)
}

/// As [`object`]; it was there, even if it is null.
pub(super) fn object_or_null<'de, D>(
    deserializer: D,
) -> Result<Option<Option<CredentialBody>>, D::Error>
where
    D: Deserializer<'de>,
{
    object(deserializer).map(Some)
}

impl CredentialBody {
    /// The credential, if nothing is wrong with it.
    pub(super) fn check(
        self,
        checks: &mut Checks,
        config: &Config,
        wanted: Wanted<'_>,
    ) -> Option<Credential> {
        match self {
            Self::Token { token } => {
                check_token(checks, "token", &token);
                Some(Credential::Token { token })
            }
            Self::OauthRefresh {
                token_url,
                client_id,
                client_secret,
                refresh_token,
                scope,
            } => {
                check_token(checks, "client_secret", &client_secret);
                check_token(checks, "refresh_token", &refresh_token);
                Some(Credential::OauthRefresh {
                    client_id: checks.reference("/credential/client_id", &client_id),
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
                    checks.add("/connection_id", "is needed for a credential of Nango's");
                }
                Some(Credential::Nango {
                    provider_config_key: match provider_config_key {
                        Some(key) => checks.line(
                            "/credential/provider_config_key",
                            &key,
                            REFERENCE_CHARS_MAX,
                        ),
                        None => wanted.provider.to_owned(),
                    },
                })
            }
        }
    }
}

/// A secret that fits into a header.
fn check_token(checks: &mut Checks, name: &str, token: &Secret) {
    let text = token.expose();
    let fits = (1..=TOKEN_BYTES_MAX).contains(&text.len());
    if !fits || text.trim().is_empty() || text.chars().any(char::is_control) {
        checks.add(
            format!("/credential/{name}"),
            format!("expected 1 to {TOKEN_BYTES_MAX} bytes of one line"),
        );
    }
}

/// A URL that the host may call. Where its name leads is looked at with each call.
fn check_url(checks: &mut Checks, config: &Config, text: &str) -> Option<Url> {
    let pointer = "/credential/token_url";
    let text = checks.line(pointer, text, URL_CHARS_MAX);
    let checked = Url::parse(&text)
        .map_err(|error| error.to_string())
        .and_then(|url| {
            PublicUrls::new(&config.credentials.allow_hosts)?.check(&url)?;
            // RFC 6749 section 3.2.
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
                format!("expected a URL that may be called: {reason}"),
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
    fn what_cannot_be_read_is_described_without_its_secrets() {
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
    fn no_secret_shows_in_what_is_printed_for_debugging() {
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
