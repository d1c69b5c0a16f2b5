//! The trace of a sender's request, as W3C Trace Context defines it
//! (<https://www.w3.org/TR/trace-context/>).

use crate::domain::delivery::Header;
use std::fmt;

/// The header of the trace.
const TRACEPARENT: &str = "traceparent";
const TRACE_DIGITS: usize = 32;
const SPAN_DIGITS: usize = 16;

/// A valid trace, with its parent span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace: String,
    span: String,
    flags: String,
}

impl TraceParent {
    /// The trace in a request's headers; none if it is missing, invalid or repeated.
    pub fn of(headers: &[Header]) -> Option<Self> {
        let mut found = headers.iter().filter(|header| header.name == TRACEPARENT);
        let header = found.next()?;
        if found.next().is_some() {
            return None;
        }
        Self::parse(&header.value)
    }

    /// Parses `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`. Of a later
    /// version, parses the fields that both have in common.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.trim_matches([' ', '\t']).split('-');
        let version = digits(fields.next()?, 2)?;
        let trace = digits(fields.next()?, TRACE_DIGITS)?;
        let span = digits(fields.next()?, SPAN_DIGITS)?;
        let flags = digits(fields.next()?, 2)?;
        let has_more = fields.next().is_some();
        let is_zero = |digits: &str| digits.bytes().all(|digit| digit == b'0');
        if version == "ff" || (version == "00" && has_more) || is_zero(trace) || is_zero(span) {
            return None;
        }
        Some(Self {
            trace: trace.to_owned(),
            span: span.to_owned(),
            flags: flags.to_owned(),
        })
    }

    /// The id of the trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.trace
    }

    /// The id of the parent span: 16 hexadecimal digits.
    pub fn span_id(&self) -> &str {
        &self.span
    }

    /// True if the sender records the trace.
    pub fn is_sampled(&self) -> bool {
        u8::from_str_radix(&self.flags, 16).is_ok_and(|flags| flags & 1 == 1)
    }
}

fn digits(text: &str, count: usize) -> Option<&str> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == count && text.bytes().all(is_digit)).then_some(text)
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{}", self.trace, self.span, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn header(value: &str) -> Header {
        Header {
            name: TRACEPARENT.into(),
            value: value.into(),
        }
    }

    #[test]
    fn a_valid_trace_is_kept_as_it_is() {
        assert_eq!(TraceParent::parse(SOUND).unwrap().to_string(), SOUND);
        let padded = format!(" {SOUND}\t");
        assert_eq!(TraceParent::parse(&padded).unwrap().to_string(), SOUND);
    }

    #[test]
    fn a_later_version_is_read_as_this_one() {
        let later = SOUND.replacen("00", "cc", 1) + "-what-is-new";
        assert_eq!(TraceParent::parse(&later).unwrap().to_string(), SOUND);
    }

    #[test]
    fn an_invalid_trace_is_dropped() {
        for text in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bé-01",
            "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceParent::parse(text), None, "{text:?}");
        }
        assert_eq!(
            TraceParent::of(&[header(SOUND), header(SOUND)]),
            None,
            "repeated"
        );
        assert_eq!(TraceParent::of(&[]), None);
    }
}
