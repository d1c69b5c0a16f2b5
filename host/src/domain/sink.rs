//! Sinks: where the messages of an organization are sent, and how well that goes.

use crate::domain::text_enum::text_enum;
use crate::domain::{SinkId, Timestamp};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

text_enum! {
    /// How a sink is reached.
    pub enum SinkKind {
        /// Signed requests to a URL.
        Http = "http",
        /// Entries of a Redis stream.
        Redis = "redis",
    }
}

/// Whether anything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Circuit {
    /// Everything that is due.
    Closed,
    /// Nothing before `open_until`: too much has failed in a row, or the endpoint
    /// asked to be left alone.
    Open,
    /// One message, to see whether it is taken.
    HalfOpen,
}

/// How well sending goes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SinkHealth {
    /// Whether anything is sent.
    pub circuit: Circuit,
    /// Nothing is sent before.
    pub open_until: Option<Timestamp>,
    /// Messages that failed in a row.
    pub failures: i32,
    /// Why the last one failed that did.
    pub last_error: Option<String>,
    /// When it did.
    pub last_error_at: Option<Timestamp>,
    /// When a message was last taken, to about a second.
    pub last_success_at: Option<Timestamp>,
}

impl SinkHealth {
    /// Where the circuit of a sink stands that is not tried before `open_until`.
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
    /// Its id.
    pub id: SinkId,
    /// How it is reached.
    pub kind: SinkKind,
    /// The URL of an HTTP sink.
    pub url: Option<String>,
    /// The stream of a Redis sink.
    pub stream: Option<String>,
    /// Whether messages are sent. While it is off, they wait for consumers that claim
    /// them, or for it to be switched on.
    pub enabled: bool,
    /// How well sending goes.
    pub health: SinkHealth,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed, by a person or because its endpoint is gone.
    pub updated_at: Timestamp,
}

/// When nothing is sent for a while.
#[derive(Clone, Copy, Debug)]
pub struct CircuitRule {
    /// Failures in a row that open the circuit.
    pub failures: i32,
    /// How long it is open.
    pub pause: Duration,
}

impl CircuitRule {
    /// Until when nothing is sent after so many failures in a row, the last of them at
    /// `now`; `asked` is the pause that the endpoint asked for, and `before` what
    /// earlier failures came to. A probe passes none: it has held the circuit itself.
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
    fn a_circuit_opens_after_enough_failures_in_a_row_or_when_it_is_asked_to() {
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
    fn a_pause_that_was_asked_for_is_not_cut_short_by_what_was_under_way() {
        let later = Some(NOW + Duration::from_secs(60));
        assert_eq!(RULE.open_until(1, None, later, NOW), later);
        assert_eq!(RULE.open_until(3, None, later, NOW), later);
        let past = Some(Timestamp(1));
        assert_eq!(RULE.open_until(1, None, past, NOW), None);
    }

    #[test]
    fn a_circuit_is_half_open_once_its_time_is_over() {
        assert_eq!(SinkHealth::circuit(None, NOW), Circuit::Closed);
        let until = NOW + RULE.pause;
        assert_eq!(SinkHealth::circuit(Some(until), NOW), Circuit::Open);
        assert_eq!(SinkHealth::circuit(Some(until), until), Circuit::HalfOpen);
    }
}
