//! Authentication: an API key names an organization.

use super::AppState;
use crate::domain::{KeyId, OrgId};
use crate::http::Problem;
use crate::secret::{API_KEY_PREFIX, hash_api_key};
use crate::store::call_is_of;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

const CHALLENGE: &str = "Bearer realm=\"triggerhouse\"";
const CHALLENGE_AGAIN: &str = "Bearer realm=\"triggerhouse\", error=\"invalid_token\"";

/// The organization of a request's API key.
///
/// This or [`Caller`] is the first extractor of every handler below `/v1`. Axum runs
/// extractors in order, so a request without a key is refused before its id or body is
/// read.
#[derive(Clone, Debug)]
pub struct Tenant(pub OrgId);

/// A request's API key, for handlers whose action the history attributes to a key.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The key's organization.
    pub org: OrgId,
    /// The key's id.
    pub key: KeyId,
    /// The key's name.
    pub name: String,
}

impl Caller {
    /// The actor in the history: the key's id and name.
    pub fn actor(&self) -> String {
        format!("{} {}", self.key, self.name)
    }
}

impl FromRequestParts<AppState> for Tenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        Ok(Self(caller.org))
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(AUTHORIZATION) else {
            return Err(Problem::unauthorized(
                "expected a header Authorization: Bearer th_…",
                CHALLENGE,
            ));
        };
        let Some(key) = value.to_str().ok().and_then(bearer) else {
            return Err(Problem::unauthorized(
                "expected an API key in the header Authorization, as Bearer th_…",
                CHALLENGE_AGAIN,
            ));
        };
        match state.store().live_key(&hash_api_key(key)).await? {
            Some(key) => {
                call_is_of(&key.org);
                Ok(Self {
                    org: key.org,
                    key: key.id,
                    name: key.name,
                })
            }
            None => Err(Problem::unauthorized(
                "this API key is unknown or revoked",
                CHALLENGE_AGAIN,
            )),
        }
    }
}

/// The API key in a value of `Authorization`; none unless it is a bearer token with the
/// prefix of our keys.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && key.starts_with(API_KEY_PREFIX)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_token_with_the_prefix_is_taken_for_a_key() {
        assert_eq!(bearer("Bearer th_abc"), Some("th_abc"));
        assert_eq!(bearer("bearer  th_abc "), Some("th_abc"));
        for other in ["", "th_abc", "Basic th_abc", "Bearer abc", "Bearer"] {
            assert_eq!(bearer(other), None, "{other:?}");
        }
    }
}
