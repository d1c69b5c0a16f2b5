//! Texts with a form: URLs, and secrets that may be replaced.
//!
//! Owns: [`BaseUrl`], [`OptionalUrl`], [`RedisUrl`], [`DatabaseUrl`] and [`Secrets`].
//! Never does: connect to what a URL names.

use super::setting::Setting;
use crate::lock::Locks;
use crate::secret::Secret;
use serde::Deserialize;
use std::fmt;
use std::ops::Deref;
use url::Url;

/// An `http` or `https` URL to which paths can be added: it has a host, perhaps a port
/// and a path, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct BaseUrl(Url);

impl Setting for BaseUrl {}

impl BaseUrl {
    /// The URL, without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The URL with these segments added to its path, each percent-encoded.
    pub fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        // An error means that the URL has no path, and those of http have one.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let url: Url = text
            .parse()
            .map_err(|error| format!("expected a URL, got {text:?}: {error}"))?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        let is_bare = url.query().is_none() && url.fragment().is_none();
        // A password belongs into a setting of its own, which no log shows.
        let is_open = url.username().is_empty() && url.password().is_none();
        if is_web && is_bare && is_open {
            Ok(Self(url))
        } else {
            Err("expected http or https, a host and perhaps a port and a path".to_owned())
        }
    }
}

/// A [`BaseUrl`], or none if the text is empty.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct OptionalUrl(Option<BaseUrl>);

impl Setting for OptionalUrl {}

impl OptionalUrl {
    /// The URL, if there is one.
    pub fn get(&self) -> Option<&BaseUrl> {
        self.0.as_ref()
    }
}

impl TryFrom<String> for OptionalUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        text.try_into().map(|url| Self(Some(url)))
    }
}

/// The URL of a Redis server, or blank. Its password shows in no error and no log.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Secret")]
pub struct RedisUrl(Secret);

impl Setting for RedisUrl {}

impl Deref for RedisUrl {
    type Target = Secret;

    fn deref(&self) -> &Secret {
        &self.0
    }
}

impl TryFrom<Secret> for RedisUrl {
    type Error = String;

    fn try_from(url: Secret) -> Result<Self, String> {
        if !url.is_blank() {
            Locks::new(url.expose()).map_err(|error| error.to_string())?;
        }
        Ok(Self(url))
    }
}

/// The URL of the database. Only its scheme shows in logs: the rest may hold a password.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct DatabaseUrl(String);

impl Setting for DatabaseUrl {}

impl DatabaseUrl {
    /// The whole URL.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.split(':').next().unwrap_or_default();
        write!(f, "{scheme}:…")
    }
}

/// One secret, or several while one replaces another.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Secrets(pub Vec<Secret>);

impl Setting for Secrets {}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a secret or a list of secrets")]
enum OneOrMany {
    One(Secret),
    Many(Vec<Secret>),
}

impl From<OneOrMany> for Secrets {
    fn from(secrets: OneOrMany) -> Self {
        match secrets {
            OneOrMany::One(secret) => Self(vec![secret]),
            OneOrMany::Many(secrets) => Self(secrets),
        }
    }
}
