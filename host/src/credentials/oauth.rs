//! Exchanges a refresh token for an access token (RFC 6749 section 6), at a URL that a
//! tenant wrote.
//!
//! The client's id and secret go into the form first, and into the header if the service
//! refuses the client. The place that worked is stored with the credential. RFC 6749
//! section 2.3.1 requires every service to accept the header. In fact most accept the
//! form, some accept only the form, and a few only the header. A refused client does not
//! use up the refresh token, so trying the other place is safe.

use super::answer::{Failure, Issued, expiry, token, words};
use super::credential::{ClientAuth, Credential};
use crate::domain::Timestamp;
use crate::egress::{HostAnswer, HostClient, HostRequest};
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

/// Final error codes: those of RFC 6749 section 5.2, and codes with the same meaning that
/// some services use instead.
const FINAL_CODES: [&str; 9] = [
    "invalid_request",
    "invalid_client",
    INVALID_GRANT,
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "bad_refresh_token",
    "invalid_refresh_token",
    "token_revoked",
];
const INVALID_GRANT: &str = "invalid_grant";
const INVALID_CLIENT: &str = "invalid_client";

/// The client for token endpoints.
#[derive(Debug)]
pub(super) struct OauthClient(HostClient);

/// The parts of a [`Credential::OauthRefresh`].
struct Grant {
    token_url: Url,
    client_id: String,
    client_secret: Secret,
    refresh_token: Secret,
    scope: Option<String>,
    client_auth: ClientAuth,
}

impl OauthClient {
    pub(super) fn new(client: HostClient) -> Self {
        Self(client)
    }

    /// Requests one access token.
    pub(super) async fn refresh(
        &self,
        credential: Credential,
        now: Timestamp,
    ) -> Result<Issued, Failure> {
        let Credential::OauthRefresh {
            token_url,
            client_id,
            client_secret,
            refresh_token,
            scope,
            client_auth,
        } = credential
        else {
            return Err(Failure::unavailable("the credential has no refresh token"));
        };
        let token_url = token_url
            .parse()
            .map_err(|_| Failure::unavailable("the token endpoint's URL cannot be read"))?;
        let grant = Grant {
            token_url,
            client_id,
            client_secret,
            refresh_token,
            scope,
            client_auth,
        };
        let mut auth = grant.client_auth;
        let mut answer = self.ask(&grant, auth, now).await?;
        if is_client_refused(&answer) {
            let other = self.ask(&grant, auth.other(), now).await?;
            // If the service refuses the client in both places, the first answer counts:
            // it is about the place that worked before, or the likelier one.
            if !is_client_refused(&other) {
                (auth, answer) = (auth.other(), other);
            }
        }
        grant.read(&answer, auth, now)
    }

    async fn ask(
        &self,
        grant: &Grant,
        auth: ClientAuth,
        now: Timestamp,
    ) -> Result<HostAnswer, Failure> {
        let sent = self.0.send(grant.request(auth), now).await;
        sent.map_err(|error| Failure::unavailable(format!("the token endpoint: {error}")))
    }
}

/// True if the client did not authenticate: a 401, or the code of RFC 6749 section 5.2.
fn is_client_refused(answer: &HostAnswer) -> bool {
    answer.status == StatusCode::UNAUTHORIZED || code(&json(answer)) == Some(INVALID_CLIENT)
}

fn json(answer: &HostAnswer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

fn code(body: &Value) -> Option<&str> {
    body.get("error")?.as_str()
}

impl Grant {
    fn request(&self, auth: ClientAuth) -> HostRequest {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", self.refresh_token.expose());
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        if auth == ClientAuth::Body {
            form.append_pair("client_id", &self.client_id)
                .append_pair("client_secret", self.client_secret.expose());
        }
        let request = HostRequest::post_form(self.token_url.clone(), form.finish().into());
        match auth {
            ClientAuth::Body => request,
            ClientAuth::Basic => request.authorization(self.basic()),
        }
    }

    /// The header's value. Both parts are form-encoded before they are joined (RFC 6749
    /// section 2.3.1).
    fn basic(&self) -> Secret {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let secret = Zeroizing::new(encoded(self.client_secret.expose()));
        let pair = Zeroizing::new(format!("{}:{}", encoded(&self.client_id), *secret));
        format!("Basic {}", STANDARD.encode(pair.as_bytes())).into()
    }

    /// Reads an answer. Some services send an error with status 200.
    fn read(
        self,
        answer: &HostAnswer,
        auth: ClientAuth,
        now: Timestamp,
    ) -> Result<Issued, Failure> {
        let body = json(answer);
        if answer.status.is_success()
            && let Some(access) = token(body.get("access_token"))
        {
            let replaced = token(body.get("refresh_token"))
                .filter(|new| new.expose() != self.refresh_token.expose());
            let is_same = replaced.is_none() && auth == self.client_auth;
            return Ok(Issued {
                access,
                expires_at: expiry(now, body.get("expires_in")),
                renew_at: None,
                credential: (!is_same).then(|| self.with(replaced, auth)),
            });
        }
        let secrets = [&self.refresh_token, &self.client_secret];
        let said = words(body.get("error"), &secrets);
        let described = words(body.get("error_description"), &secrets);
        let status = answer.status.as_u16();
        let reason = match (&said, described) {
            (Some(said), Some(more)) => format!("the token endpoint answered {said}: {more}"),
            (Some(said), None) => format!("the token endpoint answered {said}"),
            (None, _) => format!("the token endpoint answered {status} without an access token"),
        };
        let is_about_the_grant = !answer.status.is_server_error()
            && answer.status != StatusCode::TOO_MANY_REQUESTS
            && !answer.status.is_redirection();
        if is_about_the_grant && said.is_some_and(|said| FINAL_CODES.contains(&said.as_str())) {
            return Err(Failure::NeedsReauth(reason));
        }
        Err(Failure::Unavailable {
            reason,
            retry_after: answer.retry_after,
        })
    }

    fn with(self, replaced: Option<Secret>, client_auth: ClientAuth) -> Credential {
        Credential::OauthRefresh {
            token_url: self.token_url.into(),
            client_id: self.client_id,
            client_secret: self.client_secret,
            refresh_token: replaced.unwrap_or(self.refresh_token),
            scope: self.scope,
            client_auth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn grant() -> Grant {
        Grant {
            token_url: "https://login.example.com/token".parse().unwrap(),
            client_id: "an id: ä".into(),
            client_secret: "s3cret&=%".into(),
            refresh_token: "refresh-me".into(),
            scope: None,
            client_auth: ClientAuth::Body,
        }
    }

    fn read(status: u16, body: &str) -> Result<Issued, Failure> {
        let answer = HostAnswer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: (status == 429).then_some(Duration::from_secs(9)),
            body: Zeroizing::new(body.into()),
        };
        grant().read(&answer, ClientAuth::Body, NOW)
    }

    #[test]
    fn the_header_holds_both_parts_form_encoded() {
        let header = grant().basic();
        let pair = header.expose().strip_prefix("Basic ").unwrap().to_owned();
        let pair = String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap();
        assert_eq!(pair, "an+id%3A+%C3%A4:s3cret%26%3D%25");
    }

    #[test]
    fn an_access_token_is_read_and_a_refresh_token_replaced() {
        let body = json!({"access_token": "a", "token_type": "Bearer", "expires_in": 60});
        let got = read(200, &body.to_string()).unwrap();
        assert_eq!(
            (got.access.expose(), got.expires_at),
            ("a", Some(Timestamp(61_000_000)))
        );
        assert!(got.credential.is_none());
        let body = json!({"access_token": "a", "refresh_token": "refresh-me"});
        let got = read(200, &body.to_string()).unwrap();
        assert!(got.credential.is_none() && got.expires_at.is_none());
        let body = json!({"access_token": "a", "refresh_token": "another"});
        match read(200, &body.to_string()).unwrap().credential {
            Some(Credential::OauthRefresh { refresh_token, .. }) => {
                assert_eq!(refresh_token.expose(), "another");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_is_final_and_trouble_is_not() {
        for (status, code) in [
            (400, INVALID_GRANT),
            (401, INVALID_CLIENT),
            (400, "unauthorized_client"),
            (200, "bad_refresh_token"),
        ] {
            let body = json!({"error": code, "error_description": "Token has been\nrevoked."});
            let expected = format!("the token endpoint answered {code}: Token has been revoked.");
            let failure = read(status, &body.to_string()).unwrap_err();
            assert_eq!(failure, Failure::NeedsReauth(expected));
        }
        for (status, body) in [
            (200, ""),
            (200, "<html>"),
            (200, r#"{"access_token": ""}"#),
            (200, r#"{"access_token": {"a": 1}}"#),
            (302, r#"{"access_token": "a", "error": "invalid_grant"}"#),
            (400, r#"{"error": {"code": "invalid_grant"}}"#),
            (400, r#"{"error": "temporarily_unavailable"}"#),
            (403, "Forbidden"),
            (429, r#"{"error": "invalid_grant"}"#),
            (503, r#"{"error": "invalid_grant"}"#),
        ] {
            match read(status, body).unwrap_err() {
                Failure::Unavailable {
                    retry_after,
                    reason,
                } => {
                    assert_eq!(retry_after.is_some(), status == 429, "{reason}");
                }
                other => panic!("{status} {body}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_service_that_repeats_a_secret_is_not_quoted() {
        let body = json!({"error": INVALID_GRANT, "error_description": "refresh-me has expired"});
        let failure = read(400, &body.to_string()).unwrap_err();
        let expected = "the token endpoint answered invalid_grant".to_owned();
        assert_eq!(failure, Failure::NeedsReauth(expected));
    }
}
