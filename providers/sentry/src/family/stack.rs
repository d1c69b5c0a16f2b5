//! What was thrown, and where: exceptions and stack frames of an event. Only names and
//! places: lines of source and the values of variables may hold secrets.

use crate::facts::{Exception, Frame};
use serde_json::Value;
use triggerhouse_sdk::prelude::*;

/// Frames that are kept. Deeper ones are the framework's.
const FRAMES_MAX: usize = 30;

/// The exception that was thrown last.
pub fn exception(event: &Payload<'_>) -> Option<Exception> {
    let entity = Payload::new(last(event)?);
    let exception = Exception {
        kind: entity.name("/type"),
        value: entity.prose("/value"),
        module: entity.name("/module"),
        handled: entity.flag("/mechanism/handled"),
    };
    (exception != Exception::default()).then_some(exception)
}

/// The innermost frames of that exception, or of the event if it has none.
pub fn frames(event: &Payload<'_>) -> Vec<Frame> {
    let of_exception = last(event).and_then(|value| value.pointer("/stacktrace/frames"));
    let frames = of_exception.or_else(|| event.value_at("/stacktrace/frames"));
    // Sentry lists the outermost first.
    let frames = frames.and_then(Value::as_array).into_iter().flatten().rev();
    frames
        .take(FRAMES_MAX)
        .map(frame)
        .filter(|frame| *frame != Frame::default())
        .collect()
}

/// Sentry lists an exception's cause before it.
fn last<'a>(event: &Payload<'a>) -> Option<&'a Value> {
    let values = event.value_at("/exception/values")?.as_array()?;
    values.iter().rev().find(|value| value.is_object())
}

fn frame(value: &Value) -> Frame {
    let entity = Payload::new(value);
    Frame {
        function: entity.name("/function"),
        module: entity.name("/module"),
        file: entity
            .name("/filename")
            .or_else(|| entity.name("/abs_path")),
        line: entity.number("/lineno"),
        column: entity.number("/colno"),
        in_app: entity.flag("/in_app"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_a_chain_the_last_exception_counts_and_its_innermost_frames_come_first() {
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
    fn what_is_no_exception_is_none() {
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
