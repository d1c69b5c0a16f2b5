//! What is given up where facts would exceed the contract's limit.

use super::Facts;

/// What is given up, in this order: what no filter decides on first.
const STEPS: &[fn(&mut Facts)] = &[
    |facts| {
        if let Some(event) = &mut facts.event {
            event.frames.clear();
        }
    },
    |facts| {
        facts.seer = None;
        facts.build = None;
    },
    |facts| {
        facts.issue = None;
        facts.event = None;
        facts.comment = None;
        facts.subject = None;
    },
    |facts| facts.tags.clear(),
    // What remains are the common facts, some thirty short texts.
    |facts| {
        facts.metric_alert = None;
        facts.rules.clear();
    },
];

impl Facts {
    /// The facts as one JSON object within the contract's limit.
    pub fn into_json(mut self) -> String {
        triggerhouse_sdk::facts_reduced(&mut self, |facts| facts.reduced = true, STEPS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Event, Frame};
    use triggerhouse_sdk::limits::FACTS_BYTES_MAX;

    #[test]
    fn facts_never_exceed_the_limit_and_say_what_is_missing() {
        let control = "\u{1}".repeat(50_000);
        let facts = Facts {
            resource: "error".into(),
            level: Some("error".into()),
            rules: vec![control.clone()],
            tags: [(control.clone(), "x".into())].into(),
            event: Some(Event {
                frames: vec![
                    Frame {
                        file: Some(control),
                        ..Frame::default()
                    };
                    30
                ],
                ..Event::default()
            }),
            ..Facts::default()
        };
        let json = facts.into_json();
        assert!(json.len() <= FACTS_BYTES_MAX);
        let read: Facts = serde_json::from_str(&json).unwrap();
        assert!(read.reduced);
        assert_eq!(read.level.as_deref(), Some("error"));
    }

    #[test]
    fn facts_within_the_limit_are_left_alone() {
        let facts = Facts {
            rules: vec!["page".into()],
            ..Facts::default()
        };
        assert_eq!(facts.into_json(), r#"{"resource":"","rules":["page"]}"#);
    }
}
