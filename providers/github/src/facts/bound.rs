//! What is given up where facts would exceed the contract's limit.

use super::Facts;

/// What is given up, in this order.
const STEPS: &[fn(&mut Facts)] = &[
    |facts| facts.inputs = None,
    |facts| {
        if let Some(push) = &mut facts.push {
            push.commits_truncated |= !push.commits.is_empty();
            push.commits.clear();
        }
    },
    drop_prose,
    |facts| {
        if let Some(push) = &mut facts.push {
            push.paths_truncated = true;
            push.paths.truncate(push.paths.len() / 8);
        }
    },
    |facts| {
        // What remains are the common facts, some ten short texts.
        *facts = Facts {
            labels: Vec::new(),
            branches: Vec::new(),
            changes: Vec::new(),
            issue: None,
            pull_request: None,
            discussion: None,
            comment: None,
            review: None,
            push: None,
            reference: None,
            check: None,
            workflow: None,
            deployment: None,
            release: None,
            alert: None,
            installation: None,
            subject: None,
            ..std::mem::take(facts)
        };
    },
];

impl Facts {
    /// The facts as one JSON object within the contract's limit.
    pub fn into_json(mut self) -> String {
        triggerhouse_sdk::facts_reduced(&mut self, |facts| facts.reduced = true, STEPS)
    }
}

fn drop_prose(facts: &mut Facts) {
    let bodies = [
        facts.issue.as_mut().map(|issue| &mut issue.body),
        facts
            .pull_request
            .as_mut()
            .map(|pull_request| &mut pull_request.body),
        facts
            .discussion
            .as_mut()
            .map(|discussion| &mut discussion.body),
        facts.comment.as_mut().map(|comment| &mut comment.body),
        facts.review.as_mut().map(|review| &mut review.body),
        facts.release.as_mut().map(|release| &mut release.body),
        facts.check.as_mut().map(|check| &mut check.summary),
    ];
    for body in bodies.into_iter().flatten() {
        *body = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Comment, Push};
    use triggerhouse_sdk::limits::FACTS_BYTES_MAX;

    #[test]
    fn facts_never_exceed_the_limit_and_say_what_is_missing() {
        let control = "\u{1}".repeat(40_000);
        let facts = Facts {
            event: "push".into(),
            comment: Some(Comment {
                body: Some(control.clone()),
                ..Comment::default()
            }),
            push: Some(Push {
                paths: vec![control; 16],
                ..Push::default()
            }),
            ..Facts::default()
        };
        let json = facts.into_json();
        assert!(json.len() <= FACTS_BYTES_MAX);
        let read: Facts = serde_json::from_str(&json).unwrap();
        assert!(read.reduced);
        assert_eq!(read.event, "push");
    }

    #[test]
    fn facts_within_the_limit_are_left_alone() {
        let facts = Facts {
            labels: vec!["bug".into()],
            ..Facts::default()
        };
        assert_eq!(facts.into_json(), r#"{"event":"","labels":["bug"]}"#);
    }
}
