//! The order in which facts are dropped to fit the contract's limit.

use super::Facts;
use triggerhouse_sdk::Bounded;

impl Bounded for Facts {
    /// Facts that no filter decides on go first.
    const STEPS: &'static [fn(&mut Self)] = &[
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
        // The common facts remain, about thirty short texts.
        |facts| {
            facts.metric_alert = None;
            facts.rules.clear();
        },
    ];

    fn mark(&mut self) {
        self.reduced = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Event, Frame};
    use triggerhouse_sdk::limits::FACTS_BYTES_MAX;

    #[test]
    fn facts_never_exceed_the_limit_and_say_that_some_are_missing() {
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
    fn facts_within_the_limit_stay_whole() {
        let facts = Facts {
            rules: vec!["page".into()],
            ..Facts::default()
        };
        assert_eq!(facts.into_json(), r#"{"resource":"","rules":["page"]}"#);
    }
}
