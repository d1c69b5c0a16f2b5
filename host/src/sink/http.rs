//! A message as an HTTP request: the payload that a consumer would claim, with a Standard
//! Webhooks signature (<https://www.standardwebhooks.com>).

use super::idempotency_key::idempotency_key;
use super::sent::Sent;
use crate::domain::Timestamp;
use crate::domain::outbox::ClaimedMessage;
use crate::egress::{HostClient, HostDelivery, HostReceipt};
use crate::secret::Secret;
use crate::verify::standard_signatures;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::time::Duration;
use url::Url;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The `kind` in the answer to a claim.
const KIND: HeaderName = HeaderName::from_static("triggerhouse-kind");
/// The `attempt` in the answer to a claim.
const ATTEMPT: HeaderName = HeaderName::from_static("triggerhouse-attempt");

pub(super) struct Endpoint {
    client: HostClient,
    timeout: Duration,
}

impl Endpoint {
    pub(super) fn new(client: HostClient, timeout: Duration) -> Self {
        Self { client, timeout }
    }

    pub(super) async fn send(
        &self,
        url: &str,
        secrets: &[Secret],
        message: &ClaimedMessage,
        now: Timestamp,
    ) -> Sent {
        let Ok(url) = url.parse::<Url>() else {
            return Sent::failed("the URL cannot be parsed");
        };
        let Some(headers) = headers(secrets, message, now) else {
            return Sent::unavailable("there is no secret to sign with");
        };
        let delivery = HostDelivery {
            url,
            headers,
            body: message.payload.get().to_owned(),
        };
        match tokio::time::timeout(self.timeout, self.client.deliver(delivery, now)).await {
            Ok(Ok(receipt)) => judged(receipt),
            Ok(Err(error)) => Sent::failed(error.to_string()),
            Err(_) => Sent::failed(format!("no answer within {:?}", self.timeout)),
        }
    }
}

/// The headers of a message; None without a usable secret.
fn headers(secrets: &[Secret], message: &ClaimedMessage, now: Timestamp) -> Option<HeaderMap> {
    let id = message.id.to_string();
    let signed = standard_signatures(secrets, &id, now, message.payload.get().as_bytes())?;
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (ID, id),
        (TIMESTAMP, signed.timestamp),
        (SIGNATURE, signed.signature),
        (IDEMPOTENCY_KEY, idempotency_key(message)),
        (KIND, message.kind.clone()),
        (ATTEMPT, message.attempt.to_string()),
    ] {
        headers.insert(name, HeaderValue::from_str(&value).ok()?);
    }
    Some(headers)
}

/// The outcome that an answer means. A redirect is a failure: it could lead anywhere.
fn judged(receipt: HostReceipt) -> Sent {
    match receipt.status {
        status if status.is_success() => Sent::Taken,
        // Standard Webhooks asks senders to stop after a 410.
        StatusCode::GONE => Sent::Gone {
            error: "the endpoint answered 410 Gone: the sink is switched off".into(),
        },
        status => Sent::Failed {
            error: format!("the endpoint answered {}", status.as_u16()),
            pause: receipt.retry_after,
            is_for_all: status == StatusCode::TOO_MANY_REQUESTS,
            counts: true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16) -> Sent {
        judged(HostReceipt {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: None,
        })
    }

    #[test]
    fn only_a_2xx_is_a_success() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(judge(status), Sent::Taken, "{status}");
        }
        for status in [301, 307, 400, 401, 404, 409, 500, 503] {
            assert_eq!(
                judge(status),
                Sent::failed(format!("the endpoint answered {status}"))
            );
        }
        assert!(matches!(judge(410), Sent::Gone { .. }));
        let too_much = judge(429);
        assert!(
            matches!(
                too_much,
                Sent::Failed {
                    is_for_all: true,
                    ..
                }
            ),
            "{too_much:?}"
        );
    }
}
