//! The order in which facts are dropped to fit the contract's limit.

use super::{Facts, Person};
use triggerhouse_sdk::Bounded;

impl Bounded for Facts {
    const STEPS: &'static [fn(&mut Self)] = &[
        |facts| {
            if let Some(person) = &mut facts.person {
                person.properties.clear();
                person.properties_omitted.clear();
            }
        },
        |facts| {
            facts.elements_chain = None;
            facts.text = None;
        },
        |facts| {
            facts.properties.clear();
            facts.properties_omitted.clear();
        },
        // The texts that filters decide on remain, about eight short ones.
        |facts| {
            facts.groups.clear();
            facts.url = None;
            facts.source = None;
            facts.hook = None;
            if let Some(project) = &mut facts.project {
                project.url = None;
            }
            facts.person = facts.person.take().map(|person| Person {
                id: person.id,
                email: person.email,
                ..Person::default()
            });
        },
    ];

    fn mark(&mut self) {
        self.reduced = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Group;
    use serde_json::{Map, Value, json};
    use triggerhouse_sdk::limits::FACTS_BYTES_MAX;

    #[test]
    fn facts_never_exceed_the_limit_and_say_that_some_are_missing() {
        let control = "\u{1}".repeat(1_024);
        let many: Map<String, Value> = (0..30)
            .map(|i| (i.to_string(), json!(control.repeat(2))))
            .collect();
        let facts = Facts {
            event: control.clone(),
            distinct_id: Some(control.clone()),
            text: Some(control.repeat(8)),
            properties: many.clone(),
            person: Some(Person {
                id: Some(control.clone()),
                email: Some(control.clone()),
                properties: many,
                ..Person::default()
            }),
            groups: vec![
                Group {
                    kind: control.clone(),
                    id: Some(control),
                    url: None
                };
                100
            ],
            ..Facts::default()
        };
        let event = facts.event.clone();
        let json = facts.into_json();
        assert!(json.len() <= FACTS_BYTES_MAX);
        let read: Facts = serde_json::from_str(&json).unwrap();
        assert!(read.reduced);
        assert_eq!(
            (&read.event, read.distinct_id),
            (&event, Some(event.clone()))
        );
        assert_eq!(read.person.unwrap().email, Some(event));
    }

    #[test]
    fn facts_within_the_limit_stay_whole() {
        let facts = Facts {
            event: "$pageview".into(),
            ..Facts::default()
        };
        assert_eq!(
            facts.into_json(),
            r#"{"format":"event","event":"$pageview"}"#
        );
    }
}
