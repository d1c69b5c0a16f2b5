//! The order in which facts are dropped to fit the contract's limit.

use super::Facts;
use triggerhouse_sdk::Bounded;

impl Bounded for Facts {
    const STEPS: &'static [fn(&mut Self)] = &[
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
            // The common facts remain, about ten short texts.
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

    fn mark(&mut self) {
        self.reduced = true;
    }
}

fn drop_prose(facts: &mut Facts) {
    let bodies = [
        facts.issue.as_mut().map(|issue| &mut issue.body),
        facts.pull_request.as_mut().map(|pull| &mut pull.body),
        facts.discussion.as_mut().map(|topic| &mut topic.body),
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
    fn facts_never_exceed_the_limit_and_say_that_some_are_missing() {
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
    fn facts_within_the_limit_stay_whole() {
        let facts = Facts {
            labels: vec!["bug".into()],
            ..Facts::default()
        };
        assert_eq!(facts.into_json(), r#"{"event":"","labels":["bug"]}"#);
    }
}
