//! The bodies that create and change sinks, and the check of an address.

use crate::api::check::Checks;
use crate::api::extract::present;
use crate::config::Config;
use crate::domain::sink::{SinkAddress, SinkKind};
use serde::Deserialize;
use url::Url;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The most characters of a URL.
const URL_CHARS_MAX: usize = 2_048;
/// The most characters of a stream's key.
const STREAM_CHARS_MAX: usize = 200;
/// The prefix of the host's own keys in Redis.
const OWN_PREFIX: &str = "triggerhouse:";

/// A sink to create: a [`SinkAddress`].
///
/// It is read field by field, so that every error points at its field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Creation {
    kind: SinkKind,
    url: Option<String>,
    stream: Option<String>,
}

impl ToSchema for Creation {
    fn name() -> std::borrow::Cow<'static, str> {
        "NewSink".into()
    }
}

impl PartialSchema for Creation {
    /// The schema of an address, which allows no further properties.
    fn schema() -> RefOr<Schema> {
        let mut schema = SinkAddress::schema();
        if let RefOr::T(Schema::OneOf(addresses)) = &mut schema {
            for address in &mut addresses.items {
                if let RefOr::T(Schema::Object(address)) = address {
                    let closed = AdditionalProperties::FreeForm(false);
                    address.additional_properties = Some(Box::new(closed));
                }
            }
        }
        schema
    }
}

/// A change of a sink. Absent fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SinkChange)]
pub(super) struct Change {
    /// The new URL of an HTTP sink: a public https URL of 1 to 2048 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_length = 1, max_length = 2048)]
    pub(super) url: Option<String>,
    /// True if messages are sent.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) enabled: Option<bool>,
}

impl Creation {
    /// Checks the address; none only if the check has added an error.
    pub(super) fn check(self, checks: &mut Checks, config: &Config) -> Option<SinkAddress> {
        match self.kind {
            SinkKind::Http => {
                let url = match self.url {
                    Some(url) => check_url(checks, config, url),
                    None => {
                        checks.add("/url", "expected a URL: the sink is of the kind http");
                        None
                    }
                };
                if self.stream.is_some() {
                    checks.add("/stream", "expected none: the sink is of the kind http");
                }
                url.map(|url| SinkAddress::Http { url })
            }
            SinkKind::Redis => {
                if self.url.is_some() {
                    checks.add("/url", "expected none: the sink is of the kind redis");
                }
                let Some(stream) = self.stream else {
                    checks.add(
                        "/stream",
                        "expected a stream: the sink is of the kind redis",
                    );
                    return None;
                };
                check_stream(checks, config, &stream);
                Some(SinkAddress::Redis { stream })
            }
        }
    }
}

impl Change {
    /// Checks the new URL of a sink of this kind.
    pub(super) fn check_url(
        &self,
        checks: &mut Checks,
        config: &Config,
        kind: SinkKind,
    ) -> Option<String> {
        let url = self.url.clone()?;
        match kind {
            SinkKind::Http => check_url(checks, config, url),
            SinkKind::Redis => {
                checks.add("/url", "expected none: the sink is of the kind redis");
                None
            }
        }
    }
}

/// Checks the URL of an HTTP sink. Each request also checks the address that the URL's
/// host name resolves to.
fn check_url(checks: &mut Checks, config: &Config, url: String) -> Option<String> {
    let checked = match url.chars().count() {
        0..=URL_CHARS_MAX => url
            .parse::<Url>()
            .map_err(|error| error.to_string())
            .and_then(|parsed| config.sinks.allow_hosts.check(&parsed)),
        _ => Err(format!("at most {URL_CHARS_MAX} characters")),
    };
    match checked {
        Ok(()) => Some(url),
        Err(reason) => {
            checks.add("/url", format!("expected a public https URL: {reason}"));
            None
        }
    }
}

fn check_stream(checks: &mut Checks, config: &Config, stream: &str) {
    if config.redis_url.is_blank() {
        checks.add("/kind", "no Redis is configured here");
    }
    let is_key = |c: char| !c.is_control() && !c.is_whitespace();
    if !(1..=STREAM_CHARS_MAX).contains(&stream.chars().count()) || !stream.chars().all(is_key) {
        let message = format!("expected 1 to {STREAM_CHARS_MAX} characters without blanks");
        checks.add("/stream", message);
    } else if stream.starts_with(OWN_PREFIX) {
        checks.add(
            "/stream",
            format!("expected another prefix than {OWN_PREFIX}"),
        );
    }
}
