//! Checks the webhook and polling part of a description, and brings them into the form that
//! `verify` expects: header names in lower case.

use crate::domain::source::{
    CredentialPlacement, Handshake, HmacScheme, Locator, PollingSource, SignaturePosition,
    SignedPart, TimestampRule, TimestampSource, TokenScheme, VerificationScheme, WebhookScheme,
};
use crate::egress::{entry, may_hold_credential};

type Checked<T> = Result<T, String>;

/// Checks the webhook part.
pub(crate) fn check_webhook(source: WebhookScheme) -> Checked<WebhookScheme> {
    if source.verification.is_empty() {
        return Err("webhook.verification: expected at least one scheme, got none".into());
    }
    Ok(WebhookScheme {
        verification: each("webhook.verification", source.verification, scheme)?,
        delivery_id: each("webhook.delivery-id", source.delivery_id, locator)?,
        account: each("webhook.account", source.account, locator)?,
        handshakes: each("webhook.handshakes", source.handshakes, handshake)?,
    })
}

/// Checks the polling part.
pub(crate) fn check_polling(source: PollingSource) -> Checked<PollingSource> {
    let credential = match source.credential {
        Some(CredentialPlacement::Header(name)) => {
            let name = header(name).map_err(at("polling.credential"))?;
            if !may_hold_credential(&name) {
                return Err(format!(
                    "polling.credential: {name} is the host's own header"
                ));
            }
            Some(CredentialPlacement::Header(name))
        }
        Some(CredentialPlacement::Query(name)) if name.is_empty() => {
            return Err("polling.credential: expected the name of a query parameter".into());
        }
        other => other,
    };
    if source.default_interval_seconds == 0 {
        return Err("polling.default-interval-seconds: expected more than 0".into());
    }
    Ok(PollingSource {
        allowed_hosts: each("polling.allowed-hosts", source.allowed_hosts, |host| {
            entry(&host)
        })?,
        credential,
        default_interval_seconds: source.default_interval_seconds,
    })
}

fn scheme(scheme: VerificationScheme) -> Checked<VerificationScheme> {
    Ok(match scheme {
        VerificationScheme::Hmac(scheme) => VerificationScheme::Hmac(hmac(scheme)?),
        VerificationScheme::StandardWebhooks(mut scheme) => {
            scheme.prefix = header(scheme.prefix).map_err(at("prefix"))?;
            tolerance(scheme.tolerance_seconds)?;
            VerificationScheme::StandardWebhooks(scheme)
        }
        VerificationScheme::Token(scheme) => VerificationScheme::Token(TokenScheme {
            at: match locator(scheme.at)? {
                // The body is stored, so anybody who reads it could forge deliveries.
                Locator::BodyPointer(_) => {
                    return Err(
                        "token: expected a header or a query parameter, got a body pointer".into(),
                    );
                }
                at => at,
            },
            prefix: scheme.prefix,
        }),
    })
}

fn hmac(scheme: HmacScheme) -> Checked<HmacScheme> {
    let list = matches!(scheme.position, SignaturePosition::ListField(_));
    if let SignaturePosition::Prefixed(text) | SignaturePosition::ListField(text) = &scheme.position
        && text.is_empty()
    {
        return Err("position: expected text, got nothing".into());
    }
    // A signature that omits the body proves nothing about the delivery.
    if !scheme.signed.contains(&SignedPart::Body) {
        return Err("signed: expected the body among the parts".into());
    }
    if scheme.signed.contains(&SignedPart::Timestamp) && scheme.timestamp.is_none() {
        return Err("signed: names the timestamp, but there is no rule for it".into());
    }
    let part = |part| {
        Ok(match part {
            SignedPart::Header(name) => SignedPart::Header(header(name)?),
            other => other,
        })
    };
    Ok(HmacScheme {
        header: header(scheme.header).map_err(at("header"))?,
        signed: each("signed", scheme.signed, part)?,
        timestamp: scheme
            .timestamp
            .map(|rule| timestamp(rule, list).map_err(at("timestamp")))
            .transpose()?,
        ..scheme
    })
}

fn timestamp(rule: TimestampRule, list: bool) -> Checked<TimestampRule> {
    if rule.sources.is_empty() {
        return Err("sources: expected at least one, got none".into());
    }
    tolerance(rule.tolerance_seconds)?;
    let source = |source| {
        Ok(match source {
            TimestampSource::Header(name) => TimestampSource::Header(header(name)?),
            TimestampSource::BodyPointer(text) => TimestampSource::BodyPointer(pointer(text)?),
            TimestampSource::ListField(_) if !list => {
                return Err("names an entry of the signature header, which is no list".into());
            }
            field => field,
        })
    };
    Ok(TimestampRule {
        sources: each("sources", rule.sources, source)?,
        ..rule
    })
}

fn tolerance(seconds: u32) -> Checked<()> {
    match seconds {
        0 => Err("tolerance-seconds: expected more than 0".into()),
        _ => Ok(()),
    }
}

fn handshake(handshake: Handshake) -> Checked<Handshake> {
    Ok(Handshake {
        when: locator(handshake.when).map_err(at("when"))?,
        equals: handshake.equals,
        echo: locator(handshake.echo).map_err(at("echo"))?,
    })
}

fn locator(locator: Locator) -> Checked<Locator> {
    Ok(match locator {
        Locator::Header(name) => Locator::Header(header(name)?),
        Locator::BodyPointer(text) => Locator::BodyPointer(pointer(text)?),
        Locator::Query(name) if name.is_empty() => {
            return Err("expected the name of a query parameter, got nothing".into());
        }
        query => query,
    })
}

/// Checks a field name (RFC 9110 section 5.1) and returns it in lower case.
fn header(name: String) -> Checked<String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(format!("expected the name of a header, got {name:?}"));
    }
    Ok(name.to_ascii_lowercase())
}

/// Checks a JSON Pointer (RFC 6901) to a value within the document.
fn pointer(text: String) -> Checked<String> {
    let escapes = text.split('~').skip(1);
    let escaped = escapes.into_iter().all(|rest| rest.starts_with(['0', '1']));
    if text.starts_with('/') && escaped {
        return Ok(text);
    }
    Err(format!(
        "expected a JSON Pointer such as /a/b, got {text:?}"
    ))
}

/// Checks each item. An error names the item.
fn each<T, U>(field: &str, items: Vec<T>, check: impl Fn(T) -> Checked<U>) -> Checked<Vec<U>> {
    let one = |(index, item)| check(item).map_err(|wrong| format!("{field}[{index}]: {wrong}"));
    items.into_iter().enumerate().map(one).collect()
}

fn at(field: &str) -> impl Fn(String) -> String + '_ {
    move |wrong| format!("{field}: {wrong}")
}

#[cfg(test)]
mod tests;
