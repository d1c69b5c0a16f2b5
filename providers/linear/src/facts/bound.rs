//! The order in which facts are dropped to fit the contract's limit.

use super::{Facts, Project};
use triggerhouse_sdk::Bounded;

impl Bounded for Facts {
    const STEPS: &'static [fn(&mut Self)] = &[
        drop_context,
        drop_prose,
        |facts| facts.previous.clear(),
        |facts| {
            // The facts that filters decide on remain, except for endless lists.
            *facts = Facts {
                issue: None,
                sla: None,
                comment: None,
                project: facts.project.take().map(|project| Project {
                    id: project.id,
                    name: project.name,
                    ..Project::default()
                }),
                update: None,
                notification: None,
                agent_session: None,
                access: None,
                subject: None,
                ..std::mem::take(facts)
            };
        },
        |facts| {
            facts.labels.clear();
            facts.label_ids.clear();
            facts.teams.clear();
            facts.changed.clear();
        },
    ];

    fn mark(&mut self) {
        self.reduced = true;
    }
}

fn drop_context(facts: &mut Facts) {
    if let Some(comment) = &mut facts.comment {
        comment.quoted_text = None;
    }
    if let Some(session) = &mut facts.agent_session {
        session.prompt_context = None;
        session.summary = None;
    }
}

fn drop_prose(facts: &mut Facts) {
    let texts = [
        facts.issue.as_mut().map(|issue| &mut issue.description),
        facts.comment.as_mut().map(|comment| &mut comment.body),
        facts
            .project
            .as_mut()
            .map(|project| &mut project.description),
        facts.update.as_mut().map(|update| &mut update.body),
        facts
            .agent_session
            .as_mut()
            .map(|session| &mut session.prompt),
        facts
            .subject
            .as_mut()
            .map(|subject| &mut subject.description),
    ];
    for text in texts.into_iter().flatten() {
        *text = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Comment, Issue};
    use triggerhouse_sdk::limits::{FACTS_BYTES_MAX, LIST_ITEMS_MAX, NAME_BYTES_MAX};

    #[test]
    fn facts_never_exceed_the_limit_and_keep_what_filters_decide_on() {
        let control = "\u{1}".repeat(40_000);
        let facts = Facts {
            kind: "Comment".into(),
            labels: vec!["bug".into()],
            comment: Some(Comment {
                body: Some(control.clone()),
                ..Comment::default()
            }),
            issue: Some(Issue {
                title: Some("Crash".into()),
                description: Some(control),
                ..Issue::default()
            }),
            ..Facts::default()
        };
        let json = facts.into_json();
        assert!(json.len() <= FACTS_BYTES_MAX);
        let read: Facts = serde_json::from_str(&json).unwrap();
        assert!(read.reduced);
        assert_eq!(read.labels, ["bug"]);
        assert_eq!(read.issue.unwrap().title.as_deref(), Some("Crash"));
    }

    #[test]
    fn even_hostile_lists_fit() {
        let hostile = vec!["\u{1}".repeat(NAME_BYTES_MAX); LIST_ITEMS_MAX];
        let facts = Facts {
            kind: "Issue".into(),
            labels: hostile.clone(),
            label_ids: hostile.clone(),
            changed: hostile,
            ..Facts::default()
        };
        assert!(facts.into_json().len() <= FACTS_BYTES_MAX);
    }

    #[test]
    fn facts_within_the_limit_stay_whole() {
        let facts = Facts {
            labels: vec!["bug".into()],
            ..Facts::default()
        };
        assert_eq!(
            facts.into_json(),
            r#"{"type":"","action":"","labels":["bug"]}"#
        );
    }
}
