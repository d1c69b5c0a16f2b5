//! Contract 1's types from and to the host's, field by field. Applies no rules.

use super::bindings::triggerhouse::provider::{description as wit, http, types};
use crate::domain::Timestamp;
use crate::domain::delivery::{ClaimedDelivery, Header};
use crate::domain::event::{ParsedEvent, Verdict};
use crate::domain::poll::{PollPage, PollRequest};
use crate::domain::source;
use crate::egress::{FetchError, Request, Response};
use crate::provider::description::Description;
use crate::provider::error::GuestError;
use crate::provider::failure::PollFailure;
use reqwest::Method;
use std::time::Duration;

/// The largest integer that a 64-bit float holds exactly: some guest languages have no other
/// number.
const TIMESTAMP_MAX: u64 = 1 << 53;

pub(super) fn request(delivery: &ClaimedDelivery, settings: &str) -> types::WebhookRequest {
    types::WebhookRequest {
        headers: all(delivery.headers.clone()),
        query: delivery.query.clone(),
        body: delivery.body.clone(),
        received_at: timestamp_for_guest(delivery.received_at),
        settings: settings.to_owned(),
    }
}

pub(super) fn events(events: Vec<types::Event>) -> Result<Vec<ParsedEvent>, GuestError> {
    let convert = |(index, event): (usize, types::Event)| {
        let occurred_at = event.occurred_at.map(|micros| match i64::try_from(micros) {
            Ok(signed) if micros < TIMESTAMP_MAX => Ok(Timestamp(signed)),
            _ => Err(GuestError::BadOutput(format!(
                "event {index}: occurred-at is {micros}, expected microseconds below 2^53"
            ))),
        });
        Ok(ParsedEvent {
            dedup_key: event.dedup_key,
            kind: event.kind,
            occurred_at: occurred_at.transpose()?,
            title: event.title,
            url: event.url,
            actor: event.actor,
            facts: event.facts,
        })
    };
    events.into_iter().enumerate().map(convert).collect()
}

pub(super) fn poll_request(
    request: &PollRequest,
    limit: usize,
    settings: &str,
) -> types::PollRequest {
    types::PollRequest {
        cursor: request.cursor.clone(),
        configs: request.configs.clone(),
        settings: settings.to_owned(),
        now: timestamp_for_guest(request.now),
        limit: u32::try_from(limit).unwrap_or(u32::MAX),
    }
}

pub(super) fn page(page: types::PollPage) -> Result<PollPage, GuestError> {
    Ok(PollPage {
        events: events(page.events)?,
        cursor: page.cursor,
        more: page.more,
    })
}

pub(super) fn event_for_guest(event: &ParsedEvent) -> types::Event {
    types::Event {
        dedup_key: event.dedup_key.clone(),
        kind: event.kind.clone(),
        occurred_at: event.occurred_at.map(timestamp_for_guest),
        title: event.title.clone(),
        url: event.url.clone(),
        actor: event.actor.clone(),
        facts: event.facts.clone(),
    }
}

/// A time as microseconds since 1970; the host has no earlier times.
fn timestamp_for_guest(time: Timestamp) -> u64 {
    u64::try_from(time.0).unwrap_or(0)
}

impl From<types::Verdict> for Verdict {
    fn from(verdict: types::Verdict) -> Self {
        match verdict {
            types::Verdict::Accept => Self::Accept,
            types::Verdict::Reject(reason) => Self::Reject(reason),
            types::Verdict::InvalidConfig(reason) => Self::InvalidConfig(reason),
        }
    }
}

impl From<types::PollError> for PollFailure {
    fn from(error: types::PollError) -> Self {
        match error {
            types::PollError::RateLimited(seconds) => {
                Self::RateLimited(seconds.map(|seconds| Duration::from_secs(seconds.into())))
            }
            types::PollError::Unauthorized(reason) => Self::Unauthorized(reason),
            types::PollError::InvalidCursor(reason) => Self::InvalidCursor(reason),
            types::PollError::Unavailable(reason) => Self::Unavailable(reason),
            types::PollError::Other(reason) => Self::Other(reason),
        }
    }
}

impl From<Header> for types::Header {
    fn from(header: Header) -> Self {
        Self {
            name: header.name,
            value: header.value,
        }
    }
}

impl From<types::Header> for Header {
    fn from(header: types::Header) -> Self {
        Self {
            name: header.name,
            value: header.value,
        }
    }
}

impl From<http::Request> for Request {
    fn from(request: http::Request) -> Self {
        Self {
            method: match request.method {
                http::Method::Get => Method::GET,
                http::Method::Post => Method::POST,
                http::Method::Put => Method::PUT,
                http::Method::Patch => Method::PATCH,
                http::Method::Delete => Method::DELETE,
                http::Method::Head => Method::HEAD,
            },
            url: request.url,
            headers: all(request.headers),
            body: request.body,
        }
    }
}

impl From<Response> for http::Response {
    fn from(response: Response) -> Self {
        Self {
            status: response.status,
            headers: all(response.headers),
            body: response.body,
        }
    }
}

impl From<FetchError> for http::FetchError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Denied(reason) => Self::Denied(reason),
            FetchError::Timeout => Self::Timeout,
            FetchError::TooLarge => Self::TooLarge,
            FetchError::LimitReached => Self::LimitReached,
            FetchError::Unreachable(reason) => Self::Unreachable(reason),
            FetchError::Other(reason) => Self::Other(reason),
        }
    }
}

impl From<wit::ProviderInfo> for Description {
    fn from(info: wit::ProviderInfo) -> Self {
        Self {
            id: info.id,
            name: info.name,
            description: info.description,
            version: info.version,
            config_schema: info.config_schema,
            settings_schema: info.settings_schema,
            webhook: info.webhook.map(Into::into),
            polling: info.polling.map(Into::into),
        }
    }
}

fn all<A, B: From<A>>(items: Vec<A>) -> Vec<B> {
    items.into_iter().map(B::from).collect()
}

impl From<wit::WebhookSource> for source::WebhookScheme {
    fn from(from: wit::WebhookSource) -> Self {
        Self {
            verification: all(from.verification),
            delivery_id: all(from.delivery_id),
            account: all(from.account),
            handshakes: all(from.handshakes),
        }
    }
}

impl From<wit::PollingSource> for source::PollingSource {
    fn from(from: wit::PollingSource) -> Self {
        Self {
            allowed_hosts: from.allowed_hosts,
            credential: from.credential.map(Into::into),
            default_interval_seconds: from.default_interval_seconds,
        }
    }
}

impl From<wit::Locator> for source::Locator {
    fn from(from: wit::Locator) -> Self {
        match from {
            wit::Locator::Header(name) => Self::Header(name),
            wit::Locator::BodyPointer(pointer) => Self::BodyPointer(pointer),
            wit::Locator::Query(name) => Self::Query(name),
        }
    }
}

impl From<wit::VerificationScheme> for source::VerificationScheme {
    fn from(from: wit::VerificationScheme) -> Self {
        match from {
            wit::VerificationScheme::Hmac(scheme) => Self::Hmac(scheme.into()),
            wit::VerificationScheme::StandardWebhooks(scheme) => {
                Self::StandardWebhooks(source::StandardWebhooksScheme {
                    prefix: scheme.prefix,
                    key: match scheme.key {
                        wit::StandardWebhooksKey::Base64 => source::StandardWebhooksKey::Base64,
                        wit::StandardWebhooksKey::Raw => source::StandardWebhooksKey::Raw,
                    },
                    tolerance_seconds: scheme.tolerance_seconds,
                })
            }
            wit::VerificationScheme::Token(scheme) => Self::Token(source::TokenScheme {
                at: scheme.at.into(),
                prefix: scheme.prefix,
            }),
        }
    }
}

impl From<wit::HmacScheme> for source::HmacScheme {
    fn from(from: wit::HmacScheme) -> Self {
        Self {
            hash: match from.hash {
                wit::HashAlgorithm::Sha1 => source::HashAlgorithm::Sha1,
                wit::HashAlgorithm::Sha256 => source::HashAlgorithm::Sha256,
                wit::HashAlgorithm::Sha512 => source::HashAlgorithm::Sha512,
            },
            header: from.header,
            position: match from.position {
                wit::SignaturePosition::Whole => source::SignaturePosition::Whole,
                wit::SignaturePosition::Prefixed(prefix) => {
                    source::SignaturePosition::Prefixed(prefix)
                }
                wit::SignaturePosition::ListField(name) => {
                    source::SignaturePosition::ListField(name)
                }
            },
            encoding: match from.encoding {
                wit::SignatureEncoding::Hex => source::SignatureEncoding::Hex,
                wit::SignatureEncoding::Base64 => source::SignatureEncoding::Base64,
            },
            signed: all(from.signed),
            timestamp: from.timestamp.map(Into::into),
        }
    }
}

impl From<wit::SignedPart> for source::SignedPart {
    fn from(from: wit::SignedPart) -> Self {
        match from {
            wit::SignedPart::Literal(text) => Self::Literal(text),
            wit::SignedPart::Header(name) => Self::Header(name),
            wit::SignedPart::Timestamp => Self::Timestamp,
            wit::SignedPart::Body => Self::Body,
        }
    }
}

impl From<wit::TimestampRule> for source::TimestampRule {
    fn from(from: wit::TimestampRule) -> Self {
        let source = |from| match from {
            wit::TimestampSource::Header(name) => source::TimestampSource::Header(name),
            wit::TimestampSource::ListField(name) => source::TimestampSource::ListField(name),
            wit::TimestampSource::BodyPointer(at) => source::TimestampSource::BodyPointer(at),
        };
        Self {
            sources: from.sources.into_iter().map(source).collect(),
            unit: match from.unit {
                wit::TimestampUnit::Seconds => source::TimestampUnit::Seconds,
                wit::TimestampUnit::Milliseconds => source::TimestampUnit::Milliseconds,
            },
            tolerance_seconds: from.tolerance_seconds,
            required: from.required,
        }
    }
}

impl From<wit::Handshake> for source::Handshake {
    fn from(from: wit::Handshake) -> Self {
        Self {
            when: from.when.into(),
            equals: from.equals,
            echo: from.echo.into(),
        }
    }
}

impl From<wit::CredentialPlacement> for source::CredentialPlacement {
    fn from(from: wit::CredentialPlacement) -> Self {
        match from {
            wit::CredentialPlacement::Bearer => Self::Bearer,
            wit::CredentialPlacement::Header(name) => Self::Header(name),
            wit::CredentialPlacement::Query(name) => Self::Query(name),
        }
    }
}
