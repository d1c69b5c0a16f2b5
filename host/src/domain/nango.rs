//! What Nango posts: an envelope around a provider's payload, news about a
//! connection, or, where it knows no connection for it, a payload without any
//! envelope. Format: <https://nango.dev/docs/guides/webhooks>.

use serde::Deserialize;
use serde_json::Value;
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
    Sync,
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
    /// What was done with it.
    pub operation: Operation,
    /// Whether it went well.
    pub success: bool,
    /// What went wrong.
    pub error: Option<String>,
}

/// What is done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It was made.
    Creation,
    /// It was made anew.
    Override,
    /// Its credential was refreshed.
    Refresh,
    /// It was deleted.
    Deletion,
    /// Something that this release does not know.
    Other,
}

/// What every envelope has, whatever it is about. Payloads of providers may have a
/// `type` as well, but not the id of an integration at Nango.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "providerConfigKey")]
    _provider_config_key: String,
    connection_id: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct AuthNews {
    operation: Option<String>,
    success: Option<bool>,
    /// An object with a description; whatever else is only left out.
    error: Option<Value>,
}

impl<'a> Message<'a> {
    /// Reads a body. Never fails: what is no envelope is a payload without one.
    pub fn read(body: &'a [u8]) -> Self {
        let Ok(envelope) = serde_json::from_slice::<Envelope<'a>>(body) else {
            return Self::Unattributed;
        };
        let connection = envelope.connection_id.filter(|id| !id.is_empty());
        let payload = envelope.payload.filter(|payload| payload.get() != "null");
        match (envelope.kind.as_str(), connection, payload) {
            ("forward", Some(connection), Some(payload)) => Self::Forward {
                connection,
                payload,
            },
            ("forward", None, _) => Self::Other("the envelope names no connection".into()),
            ("forward", _, None) => Self::Other("the envelope has no payload".into()),
            ("auth", Some(connection), _) => auth(connection, body),
            ("sync", ..) => Self::Sync,
            (kind, ..) => Self::Other(format!("messages of the type {kind:?} start no run")),
        }
    }
}

/// News that cannot be read are kept, and change nothing.
fn auth<'a>(connection: String, body: &[u8]) -> Message<'a> {
    let unreadable = || Message::Other("news about a connection, which cannot be read".into());
    let Ok(news) = serde_json::from_slice::<AuthNews>(body) else {
        return unreadable();
    };
    let (Some(operation), Some(success)) = (news.operation, news.success) else {
        return unreadable();
    };
    let text = |key| Some(news.error.as_ref()?.get(key)?.as_str()?.to_owned());
    Message::Auth(Auth {
        connection,
        operation: match operation.as_str() {
            "creation" => Operation::Creation,
            "override" => Operation::Override,
            "refresh" => Operation::Refresh,
            "deletion" => Operation::Deletion,
            _ => Operation::Other,
        },
        success,
        error: text("description").or_else(|| text("type")),
    })
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
            r#"{"type":"sync","connectionId":"c-1"}"#,
            r#"{"type":"auth","connectionId":"c-1","operation":"deletion","success":true}"#,
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
            (auth.operation, auth.success, auth.error.as_deref()),
            (Operation::Refresh, false, Some("revoked"))
        );
    }

    #[test]
    fn news_that_cannot_be_read_are_kept_and_say_so() {
        let news = |rest: &str| {
            format!(r#"{{"type":"auth","providerConfigKey":"y","connectionId":"c"{rest}}}"#)
        };
        for rest in [
            "",
            r#","operation":"refresh""#,
            r#","operation":1,"success":true"#,
        ] {
            let body = news(rest);
            let Message::Other(reason) = Message::read(body.as_bytes()) else {
                panic!("{body}")
            };
            assert_eq!(reason, "news about a connection, which cannot be read");
        }
        // An error of another form is no reason to lose the news.
        let body = news(r#","operation":"refresh","success":false,"error":"gone""#);
        assert!(matches!(
            Message::read(body.as_bytes()),
            Message::Auth(Auth {
                success: false,
                error: None,
                ..
            })
        ));
    }
}
