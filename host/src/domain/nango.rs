//! What Nango posts: an envelope around a provider's payload, news about a
//! connection, or, where it knows no connection for it, a payload without any
//! envelope. Format: <https://nango.dev/docs/guides/webhooks>.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The name under which deliveries stand whose connection is not known yet.
pub const PROVIDER_UNKNOWN: &str = "nango";

/// One message.
#[derive(Debug)]
pub enum Message<'a> {
    /// A provider's payload for one connection.
    Forward {
        /// Which.
        connection: String,
        /// The payload, as Nango wrote it.
        payload: &'a RawValue,
    },
    /// News about a connection.
    Auth(Auth),
    /// A sync of Nango's has ended.
    Sync {
        /// Which.
        name: Option<String>,
        /// Whether it went well.
        success: bool,
    },
    /// An envelope that carries nothing to start a run with.
    Other(String),
    /// No envelope: Nango could not tell whose payload this is.
    Unattributed,
}

/// News about a connection.
#[derive(Debug)]
pub struct Auth {
    /// Which.
    pub connection: String,
    /// `creation`, `override`, `refresh`, `deletion`.
    pub operation: String,
    /// Whether it went well.
    pub success: bool,
    /// What went wrong.
    pub error: Option<String>,
}

/// The types of Nango's that are known. Others are envelopes too, if they look so.
const KINDS: [&str; 4] = ["forward", "auth", "sync", "async_action"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: String,
    from: Option<String>,
    provider_config_key: Option<String>,
    connection_id: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    operation: Option<String>,
    success: Option<bool>,
    error: Option<AuthError>,
    sync_name: Option<String>,
}

#[derive(Deserialize)]
struct AuthError {
    #[serde(rename = "type")]
    kind: Option<String>,
    description: Option<String>,
}

impl Envelope<'_> {
    /// Payloads of providers have a `type` as well: `Issue`.
    fn is_nangos(&self) -> bool {
        let looks_so = self.from.is_some() && self.provider_config_key.is_some();
        KINDS.contains(&self.kind.as_str()) || looks_so
    }
}

impl<'a> Message<'a> {
    /// Reads a body. Never fails: what is no envelope is a payload without one.
    pub fn read(body: &'a [u8]) -> Self {
        let Ok(envelope) = serde_json::from_slice::<Envelope<'a>>(body) else {
            return Self::Unattributed;
        };
        if !envelope.is_nangos() {
            return Self::Unattributed;
        }
        let connection = envelope.connection_id.filter(|id| !id.is_empty());
        let payload = envelope.payload.filter(|payload| payload.get() != "null");
        match (envelope.kind.as_str(), connection, payload) {
            ("forward", Some(connection), Some(payload)) => Self::Forward {
                connection,
                payload,
            },
            ("forward", None, _) => Self::Other("the envelope names no connection".into()),
            ("forward", _, None) => Self::Other("the envelope has no payload".into()),
            ("auth", Some(connection), _) => Self::Auth(Auth {
                connection,
                operation: envelope.operation.unwrap_or_default(),
                success: envelope.success.unwrap_or(false),
                error: envelope
                    .error
                    .and_then(|error| error.description.or(error.kind)),
            }),
            ("sync", ..) => Self::Sync {
                name: envelope.sync_name,
                success: envelope.success.unwrap_or(false),
            },
            (kind, ..) => Self::Other(format!("messages of the type {kind:?} start no run")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORWARD: &str = r#"{"payload":{"z":1,"a":"Grüße 🍞 é"},"type":"forward",
        "connectionId":"c-1","providerConfigKey":"our-hub","from":"any"}"#;

    #[test]
    fn an_envelope_in_any_order_gives_its_payload_unchanged() {
        let Message::Forward {
            connection,
            payload,
        } = Message::read(FORWARD.as_bytes())
        else {
            panic!("a forward expected")
        };
        assert_eq!(connection, "c-1");
        assert_eq!(payload.get(), r#"{"z":1,"a":"Grüße 🍞 é"}"#);
    }

    #[test]
    fn a_payload_without_an_envelope_is_unattributed_whatever_it_holds() {
        for body in [
            r#"{"action":"opened","type":"Issue","connectionId":"c-1"}"#,
            r#"{"type":"Issue","from":"me","payload":{"connectionId":"c-1"}}"#,
            r#"{"type":5,"from":"x","providerConfigKey":"y"}"#,
            "[]",
            "no json",
            "",
        ] {
            assert!(
                matches!(Message::read(body.as_bytes()), Message::Unattributed),
                "{body}"
            );
        }
    }

    #[test]
    fn an_envelope_without_connection_or_payload_says_so() {
        for (body, expected) in [
            (
                r#"{"type":"forward","from":"x","providerConfigKey":"y","payload":{}}"#,
                "the envelope names no connection",
            ),
            (
                r#"{"type":"forward","from":"x","providerConfigKey":"y","connectionId":"c","payload":null}"#,
                "the envelope has no payload",
            ),
            (
                r#"{"type":"tomorrows","from":"x","providerConfigKey":"y","connectionId":"c"}"#,
                "messages of the type \"tomorrows\" start no run",
            ),
        ] {
            let Message::Other(reason) = Message::read(body.as_bytes()) else {
                panic!("{body}")
            };
            assert_eq!(reason, expected);
        }
    }

    #[test]
    fn news_about_a_connection_say_what_went_wrong() {
        let body = r#"{"type":"auth","from":"x","providerConfigKey":"y","connectionId":"c",
            "operation":"refresh","success":false,"authMode":"OAUTH2",
            "error":{"type":"refresh_token_invalid","description":"revoked"},"endUser":{"id":"7"}}"#;
        let Message::Auth(auth) = Message::read(body.as_bytes()) else {
            panic!("news expected")
        };
        assert_eq!(
            (auth.operation.as_str(), auth.success, auth.error.as_deref()),
            ("refresh", false, Some("revoked"))
        );
    }
}
