//! Sinks: where an organization's messages are sent, and the health of sending.

use crate::domain::text_enum::text_enum;
use crate::domain::{SinkId, Timestamp};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// The address of a sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SinkAddress {
    /// A URL that gets signed requests.
    Http {
        /// A public https URL of 1 to 2048 characters.
        #[schema(min_length = 1, max_length = 2048)]
        url: String,
    },
    /// A stream of the Redis server that the operator configured.
    Redis {
        /// The stream's key: 1 to 200 characters without blanks.
        #[schema(min_length = 1, max_length = 200)]
        stream: String,
    },
}

impl SinkAddress {
    /// The kind of the sink.
    pub const fn kind(&self) -> SinkKind {
        match self {
            Self::Http { .. } => SinkKind::Http,
            Self::Redis { .. } => SinkKind::Redis,
        }
    }
}

text_enum! {
    /// The kind of a sink.
    pub enum SinkKind {
        /// Signed requests to a URL.
        Http = "http",
        /// Entries of a Redis stream.
        Redis = "redis",
    }
}

impl SinkKind {
    /// True if the sink itself delivers a message again until a consumer acknowledges it.
    ///
    /// A run of such a sink can wait for its next consumer although the outbox is done
    /// with its message.
    pub const fn redelivers(self) -> bool {
        match self {
            // A 2xx answer ends the delivery.
            Self::Http => false,
            // An entry stays pending in the stream until `XACK`.
            Self::Redis => true,
        }
    }
}

/// The state of a sink's circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Circuit {
    /// All due messages are sent.
    Closed,
    /// No message is sent before `open_until`: too many failed in a row, or the endpoint
    /// asked for a pause.
    Open,
    /// One message is sent as a probe.
    HalfOpen,
}

/// The health of sending to a sink.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SinkHealth {
    /// The state of the circuit breaker.
    pub circuit: Circuit,
    /// The time before which no message is sent; null unless the circuit is open.
    pub open_until: Option<Timestamp>,
    /// The number of messages that failed in a row.
    pub failures: i32,
    /// The error of the last failed message.
    pub last_error: Option<String>,
    /// The time of the last failure.
    pub last_error_at: Option<Timestamp>,
    /// The time at which the sink last took a message, to about a second.
    pub last_success_at: Option<Timestamp>,
}

impl SinkHealth {
    /// The circuit's state at `now`, for a circuit that opened until `open_until`.
    pub fn circuit(open_until: Option<Timestamp>, now: Timestamp) -> Circuit {
        match open_until {
            None => Circuit::Closed,
            Some(until) if until > now => Circuit::Open,
            Some(_) => Circuit::HalfOpen,
        }
    }
}

/// A sink.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Sink {
    /// The sink's id.
    pub id: SinkId,
    /// The sink's address.
    #[serde(flatten)]
    pub address: SinkAddress,
    /// True if messages are sent. A disabled sink leaves them to consumers that claim
    /// them.
    pub enabled: bool,
    /// The health of sending.
    pub health: SinkHealth,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of the last change, by a person or because the endpoint is gone.
    pub updated_at: Timestamp,
}

/// The rule by which a circuit opens.
#[derive(Clone, Copy, Debug)]
pub struct CircuitRule {
    /// The number of failures in a row that opens the circuit.
    pub failures: i32,
    /// The time that the circuit stays open.
    pub pause: Duration,
}

impl CircuitRule {
    /// The time until which the circuit is open after `failures` in a row, the last of
    /// them at `now`. `asked` is the pause that the endpoint asked for. `before` is the
    /// result of earlier failures; a probe passes none, because it held the circuit itself.
    pub fn open_until(
        &self,
        failures: i32,
        asked: Option<Duration>,
        before: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let pause = (failures >= self.failures).then_some(self.pause);
        let until = pause.max(asked).map(|pause| now + pause);
        until.max(before.filter(|at| *at > now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000_000);
    const RULE: CircuitRule = CircuitRule {
        failures: 3,
        pause: Duration::from_secs(30),
    };

    #[test]
    fn a_circuit_opens_after_enough_failures_in_a_row_or_on_request() {
        let ten = Some(Duration::from_secs(10));
        let minute = Some(Duration::from_secs(60));
        assert_eq!(RULE.open_until(2, None, None, NOW), None);
        assert_eq!(RULE.open_until(3, None, None, NOW), Some(NOW + RULE.pause));
        assert_eq!(
            RULE.open_until(1, ten, None, NOW),
            Some(NOW + Duration::from_secs(10))
        );
        assert_eq!(RULE.open_until(9, ten, None, NOW), Some(NOW + RULE.pause));
        assert_eq!(
            RULE.open_until(9, minute, None, NOW),
            Some(NOW + Duration::from_secs(60))
        );
    }

    #[test]
    fn a_requested_pause_is_not_cut_short_by_earlier_requests_in_flight() {
        let later = Some(NOW + Duration::from_secs(60));
        assert_eq!(RULE.open_until(1, None, later, NOW), later);
        assert_eq!(RULE.open_until(3, None, later, NOW), later);
        let past = Some(Timestamp(1));
        assert_eq!(RULE.open_until(1, None, past, NOW), None);
    }

    #[test]
    fn a_circuit_is_half_open_after_its_pause() {
        assert_eq!(SinkHealth::circuit(None, NOW), Circuit::Closed);
        let until = NOW + RULE.pause;
        assert_eq!(SinkHealth::circuit(Some(until), NOW), Circuit::Open);
        assert_eq!(SinkHealth::circuit(Some(until), until), Circuit::HalfOpen);
    }
}
