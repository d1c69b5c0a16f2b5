//! Exceptions and stack frames of an event. Keeps names and places only: lines of source and
//! values of variables may hold secrets.

use crate::facts::{Exception, Frame};
use triggerhouse_sdk::prelude::*;

/// Frames kept in the facts. Deeper ones are the framework's.
const FRAMES_MAX: usize = 30;

/// The exception that was thrown last.
pub fn exception(event: &Payload<'_>) -> Option<Exception> {
    let entity = last(event)?;
    known(Exception {
        kind: entity.name("/type"),
        value: entity.prose("/value"),
        module: entity.name("/module"),
        handled: entity.flag("/mechanism/handled"),
    })
}

/// The innermost frames of that exception, or else of the event.
pub fn frames(event: &Payload<'_>) -> Vec<Frame> {
    let exception = last(event).filter(|exception| exception.has("/stacktrace/frames"));
    let thrower = exception.as_ref().unwrap_or(event);
    // Sentry lists the outermost frame first.
    let frames = thrower.objects("/stacktrace/frames").rev().take(FRAMES_MAX);
    frames.filter_map(frame).collect()
}

/// The last exception. Sentry lists an exception's cause before it.
fn last<'a>(event: &Payload<'a>) -> Option<Payload<'a>> {
    event.objects("/exception/values").next_back()
}

fn frame(entity: Payload<'_>) -> Option<Frame> {
    known(Frame {
        function: entity.name("/function"),
        module: entity.name("/module"),
        file: entity
            .name("/filename")
            .or_else(|| entity.name("/abs_path")),
        line: entity.number("/lineno"),
        column: entity.number("/colno"),
        in_app: entity.flag("/in_app"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn the_last_exception_of_a_chain_counts_and_its_innermost_frames_come_first() {
        let frames: Vec<Value> = (0..100).map(|line| json!({"lineno": line})).collect();
        let event = json!({"exception": {"values": [
            {"type": "Cause"}, null, {"type": "Effect", "stacktrace": {"frames": frames}}, null
        ]}});
        let event = Payload::new(&event);
        assert_eq!(exception(&event).unwrap().kind.unwrap(), "Effect");
        let lines: Vec<_> = super::frames(&event)
            .iter()
            .map(|frame| frame.line)
            .collect();
        assert_eq!(lines.len(), FRAMES_MAX);
        assert_eq!((lines[0], lines[29]), (Some(99), Some(70)));
    }

    #[test]
    fn a_value_that_is_not_an_exception_is_skipped() {
        for event in [
            json!({}),
            json!({"exception": {"values": [null, 1]}, "stacktrace": {"frames": [1, {}]}}),
            json!({"exception": [], "stacktrace": "x"}),
        ] {
            let event = Payload::new(&event);
            assert_eq!(exception(&event), None);
            assert_eq!(super::frames(&event), []);
        }
    }
}
