//! Where a sink may lead.

use crate::api::check::Checks;
use crate::config::Config;
use crate::domain::sink::SinkKind;
use crate::egress::PublicUrls;
use url::Url;

/// Characters of a URL.
const URL_CHARS_MAX: usize = 2_048;
/// Characters of a stream's key.
const STREAM_CHARS_MAX: usize = 200;
/// What the host keeps in Redis for itself begins with this.
const OWN_PREFIX: &str = "triggerhouse:";

/// The URL of an HTTP sink, which is checked again each time it is called.
pub(super) fn check_url(
    checks: &mut Checks,
    config: &Config,
    kind: SinkKind,
    url: Option<String>,
) -> Option<String> {
    let url = match (kind, url) {
        (SinkKind::Http, Some(url)) => url,
        (SinkKind::Redis, None) => return None,
        (SinkKind::Http, None) => {
            checks.add("/url", "expected a URL: the sink is of the kind http");
            return None;
        }
        (SinkKind::Redis, Some(_)) => {
            checks.add("/url", "expected none: the sink is of the kind redis");
            return None;
        }
    };
    let refused = |checks: &mut Checks, reason: &str| {
        checks.add("/url", format!("expected a public https URL: {reason}"));
        None
    };
    if url.chars().count() > URL_CHARS_MAX {
        return refused(checks, &format!("at most {URL_CHARS_MAX} characters"));
    }
    let parsed: Url = match url.parse() {
        Ok(parsed) => parsed,
        Err(error) => return refused(checks, &format!("{error}")),
    };
    let allowed = PublicUrls::new(&config.sinks.allow_hosts).and_then(|urls| urls.check(&parsed));
    match allowed {
        Ok(()) => Some(url),
        Err(reason) => refused(checks, &reason),
    }
}

/// The stream of a Redis sink.
pub(super) fn check_stream(
    checks: &mut Checks,
    config: &Config,
    kind: SinkKind,
    stream: Option<String>,
) -> Option<String> {
    let stream = match (kind, stream) {
        (SinkKind::Redis, Some(stream)) => stream,
        (SinkKind::Http, None) => return None,
        (SinkKind::Redis, None) => {
            checks.add(
                "/stream",
                "expected a stream: the sink is of the kind redis",
            );
            return None;
        }
        (SinkKind::Http, Some(_)) => {
            checks.add("/stream", "expected none: the sink is of the kind http");
            return None;
        }
    };
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
            format!("expected another beginning than {OWN_PREFIX}"),
        );
    }
    Some(stream)
}
