//! Reads a connection's token from Nango's API:
//! <https://nango.dev/docs/reference/backend/http-api/connection/get>.
//!
//! Nango renews tokens itself and answers with a valid one. It is asked again when that
//! token expires, and with `force_refresh` when the service refused the token.

use super::answer::{Failure, Issued, token, words};
use crate::config::{BaseUrl, NangoConfig};
use crate::domain::Timestamp;
use crate::egress::{EgressError, HostAnswer, HostClient, HostRequest};
use crate::secret::Secret;
use reqwest::StatusCode;
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// The time that a token without an expiry is kept: a person may have replaced it in
/// Nango.
const KEPT_MAX: Duration = Duration::from_secs(300);
/// The field that holds the token, by the type of Nango's credential: OAUTH2 and APP,
/// API_KEY, and OAUTH2_CC, JWT and others. BASIC has two parts, and no provider can
/// describe a place for it in a request.
const TOKEN_FIELDS: [&str; 3] = ["access_token", "apiKey", "token"];

/// The paths of a connection. A Nango from before 2025 knows only the second one.
const PATHS: [&str; 2] = ["connections", "connection"];
/// The codes of a 404 that is about the connection.
const UNKNOWN_CONNECTION: [&str; 2] = ["not_found", "unknown_connection"];

/// The client for Nango's API.
#[derive(Debug)]
pub(super) struct Nango {
    client: HostClient,
    base_url: BaseUrl,
    secret_key: Option<Secret>,
}

impl Nango {
    pub(super) fn new(config: &NangoConfig) -> Result<Self, EgressError> {
        Ok(Self {
            client: HostClient::anywhere()?,
            base_url: config.base_url.clone(),
            secret_key: config.has_api().then(|| config.secret_key.clone()),
        })
    }

    /// The token of a connection. With `force`, Nango renews it first.
    pub(super) async fn credentials(
        &self,
        provider_config_key: &str,
        connection: Option<&str>,
        force: bool,
        now: Timestamp,
    ) -> Result<Issued, Failure> {
        let secret_key = self
            .secret_key
            .as_ref()
            .ok_or_else(|| Failure::unavailable("the operator has not set nango.secret_key"))?;
        let connection = connection.ok_or_else(|| {
            Failure::NeedsReauth("the integration has no connection_id for Nango".into())
        })?;
        let mut answer = None;
        for path in PATHS {
            let url = url(&self.base_url, path, provider_config_key, connection, force)?;
            let bearer = format!("Bearer {}", secret_key.expose()).into();
            let request = HostRequest::get(url).authorization(bearer);
            let sent = self.client.send(request, now).await;
            let sent = sent.map_err(|error| Failure::unavailable(format!("Nango: {error}")))?;
            let has_no_such_path = sent.status == StatusCode::NOT_FOUND && !knows_paths(&sent);
            answer = Some(sent);
            if !has_no_such_path {
                break;
            }
        }
        match answer {
            Some(answer) => read(&answer, provider_config_key, secret_key, now),
            None => Err(Failure::unavailable("Nango was not asked")),
        }
    }
}

/// True if a 404 is about the connection and not about the path.
fn knows_paths(answer: &HostAnswer) -> bool {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = body.pointer("/error/code").and_then(Value::as_str);
    code.is_some_and(|code| UNKNOWN_CONNECTION.contains(&code))
}

fn url(
    base: &BaseUrl,
    path: &str,
    key: &str,
    connection: &str,
    force: bool,
) -> Result<Url, Failure> {
    // A segment of dots would lead elsewhere, in any encoding.
    if [".", ".."].contains(&connection) {
        return Err(unknown_connection(key));
    }
    let mut url = base.join(&[path, connection]);
    url.query_pairs_mut()
        .append_pair("provider_config_key", key);
    if force {
        url.query_pairs_mut().append_pair("force_refresh", "true");
    }
    Ok(url)
}

fn unknown_connection(key: &str) -> Failure {
    Failure::NeedsReauth(format!(
        "Nango has no such connection of its integration {key:?}"
    ))
}

fn read(
    answer: &HostAnswer,
    key: &str,
    secret_key: &Secret,
    now: Timestamp,
) -> Result<Issued, Failure> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status == StatusCode::OK {
        return credentials(body.get("credentials"), now);
    }
    let code = words(body.pointer("/error/code"), &[secret_key]);
    match (answer.status, code.as_deref()) {
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
            Err(Failure::unavailable(format!(
                "Nango refused the operator's nango.secret_key with {}",
                answer.status.as_u16()
            )))
        }
        // A 404 without the code is not Nango's: base_url may be wrong.
        (StatusCode::NOT_FOUND, Some(code)) if UNKNOWN_CONNECTION.contains(&code) => {
            Err(unknown_connection(key))
        }
        (StatusCode::BAD_REQUEST, Some("unknown_connection")) => Err(unknown_connection(key)),
        (StatusCode::BAD_REQUEST, Some("unknown_provider_config")) => Err(Failure::NeedsReauth(
            format!("Nango has no integration {key:?}"),
        )),
        // Nango has given up. Before that it answers 400 and tries again itself.
        (StatusCode::FAILED_DEPENDENCY, _) => Err(Failure::NeedsReauth(
            "Nango can no longer renew the token of the connection".into(),
        )),
        (status, code) => Err(Failure::Unavailable {
            reason: match code {
                Some(code) => format!("Nango answered {}: {code}", status.as_u16()),
                None => format!("Nango answered {}", status.as_u16()),
            },
            retry_after: answer.retry_after,
        }),
    }
}

fn credentials(credentials: Option<&Value>, now: Timestamp) -> Result<Issued, Failure> {
    let Some(Value::Object(credentials)) = credentials else {
        return Err(Failure::unavailable("Nango answered without credentials"));
    };
    let found = TOKEN_FIELDS
        .iter()
        .find_map(|name| token(credentials.get(*name)));
    let access = found.ok_or_else(|| {
        let kind = words(credentials.get("type"), &[]).unwrap_or_else(|| "none".into());
        Failure::NeedsReauth(format!(
            "the connection's credentials, of the type {kind} at Nango, are no single token or key"
        ))
    })?;
    let expires_at = credentials.get("expires_at").cloned();
    let expires_at = expires_at.and_then(|at| serde_json::from_value(at).ok());
    Ok(Issued {
        access,
        expires_at,
        renew_at: expires_at.is_none().then(|| now + KEPT_MAX),
        credential: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use zeroize::Zeroizing;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn said(status: u16, body: &Value) -> Result<Issued, Failure> {
        let answer = HostAnswer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: None,
            body: Zeroizing::new(body.to_string().into()),
        };
        read(&answer, "mail", &"the-key".into(), NOW)
    }

    #[test]
    fn a_connection_is_one_path_segment_whatever_it_contains() {
        let url = |base: &str, connection| {
            let base = base.to_owned().try_into().unwrap();
            url(&base, PATHS[0], "a&b", connection, true).map(|url| url.to_string())
        };
        assert_eq!(
            url("https://api.nango.dev", "../x?y#z").unwrap(),
            "https://api.nango.dev/connections/..%2Fx%3Fy%23z?provider_config_key=a%26b&force_refresh=true"
        );
        assert_eq!(
            url("http://nango:3003/sub/", "c-1").unwrap(),
            "http://nango:3003/sub/connections/c-1?provider_config_key=a%26b&force_refresh=true"
        );
        for dots in [".", ".."] {
            assert_eq!(url("http://nango", dots), Err(unknown_connection("a&b")));
        }
    }

    #[test]
    fn a_token_is_found_in_every_type_that_has_one() {
        for credentials in [
            json!({"type": "OAUTH2", "access_token": "t", "raw": {"access_token": "raw"}}),
            json!({"type": "API_KEY", "apiKey": "t"}),
            json!({"type": "OAUTH2_CC", "token": "t", "client_id": "c"}),
        ] {
            let got = said(200, &json!({ "credentials": credentials })).unwrap();
            assert_eq!(got.access.expose(), "t");
            assert_eq!((got.expires_at, got.renew_at), (None, Some(NOW + KEPT_MAX)));
        }
        let credentials = json!({"access_token": "t", "expires_at": "2024-03-08T09:43:03.725Z"});
        let got = said(200, &json!({ "credentials": credentials })).unwrap();
        assert_eq!(got.expires_at, Some(Timestamp(1_709_890_983_725_000)));
        let basic = json!({"credentials": {"type": "BASIC", "username": "u", "password": "p"}});
        match said(200, &basic).unwrap_err() {
            Failure::NeedsReauth(reason) => assert!(reason.contains("BASIC"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_errors_about_the_connection_need_a_person() {
        let error = |code: &str| json!({"error": {"code": code, "message": "not for people"}});
        for (status, body) in [
            (404, error("not_found")),
            (404, error("unknown_connection")),
            (400, error("unknown_connection")),
            (400, error("unknown_provider_config")),
            (424, error("invalid_credentials")),
        ] {
            let failure = said(status, &body).unwrap_err();
            assert!(
                matches!(failure, Failure::NeedsReauth(_)),
                "{status} {body}: {failure:?}"
            );
        }
        for (status, body, expected) in [
            (401, error("unknown_api_key"), "nango.secret_key with 401"),
            (403, error("forbidden"), "nango.secret_key with 403"),
            (
                400,
                error("invalid_credentials"),
                "answered 400: invalid_credentials",
            ),
            (404, json!("<html>"), "answered 404"),
            (404, error("endpoint_not_found"), "answered 404"),
            (302, json!(null), "answered 302"),
            (500, error("server_error"), "answered 500"),
            (200, json!({}), "without credentials"),
        ] {
            match said(status, &body).unwrap_err() {
                Failure::Unavailable { reason, .. } => {
                    assert!(reason.contains(expected), "{reason}")
                }
                other => panic!("{status}: {other:?}"),
            }
        }
    }
}
