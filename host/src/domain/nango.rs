//! Nango's messages: an envelope around a provider's payload, news about a connection, or a
//! payload without an envelope, which Nango could attribute to no connection. Format:
//! <https://nango.dev/docs/guides/webhooks>.

use crate::domain::connection::ConnectionName;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The provider of deliveries whose connection is not known yet.
pub const PROVIDER_UNKNOWN: &str = "nango";

/// A message of Nango.
#[derive(Debug)]
pub enum Message<'a> {
    /// A provider's payload for one connection.
    Forward {
        /// The connection.
        connection: ConnectionName,
        /// The payload, with the bytes that Nango sent.
        payload: &'a RawValue,
    },
    /// News about a connection.
    Auth(Auth),
    /// The end of one of Nango's syncs.
    Sync,
    /// An envelope that can start no run, for this reason.
    Other(String),
    /// A payload without an envelope, which belongs to no known connection.
    Unattributed,
}

/// News about a connection.
#[derive(Debug)]
pub struct Auth {
    /// The connection.
    pub connection: ConnectionName,
    /// The operation on the connection.
    pub operation: Operation,
    /// True if the operation succeeded.
    pub success: bool,
    /// The error of the operation.
    pub error: Option<String>,
}

/// An operation on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The connection was created.
    Creation,
    /// The connection was replaced.
    Override,
    /// The credential was refreshed.
    Refresh,
    /// The connection was deleted.
    Deletion,
    /// An operation that this release does not know.
    Other,
}

/// The fields of every envelope. A provider's own payload may have a `type` too, but not
/// the key of an integration at Nango.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: String,
    provider_config_key: String,
    connection_id: Option<String>,
    /// The service of news. Deliveries have it in `from`, where news have "nango".
    provider: Option<Value>,
    from: Option<Value>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct AuthNews {
    operation: Option<String>,
    success: Option<bool>,
    /// An object with a description. Any other form is ignored.
    error: Option<Value>,
}

impl<'a> Message<'a> {
    /// Reads a body. Never fails: any other body is a payload without an envelope.
    pub fn read(body: &'a [u8]) -> Self {
        let Ok(envelope) = serde_json::from_slice::<Envelope<'a>>(body) else {
            return Self::Unattributed;
        };
        let service = envelope.provider.or(envelope.from);
        let connection = envelope.connection_id.filter(|id| !id.is_empty());
        let connection = connection.map(|id| ConnectionName {
            provider_config_key: envelope.provider_config_key,
            id,
            service: service.and_then(|name| name.as_str().map(str::to_owned)),
        });
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

/// Reads news about a connection. Unreadable news is stored and has no effect.
fn auth<'a>(connection: ConnectionName, body: &[u8]) -> Message<'a> {
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
mod tests;
