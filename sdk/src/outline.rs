//! An event before its texts are cut to the contract's limits.

use crate::contract::types::Event;
use crate::facts::Bounded;
use crate::limits::{ACTOR_BYTES_MAX, KIND_BYTES_MAX, URL_BYTES_MAX};
use crate::text::{one_line, shorten};

/// The parts of an event, which the readers of a provider fill in. Texts may be of any
/// length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline<F> {
    /// The event's kind: `issues.opened`. [`kind`] makes one of its two words.
    pub kind: String,
    /// The time of the occurrence, in microseconds since 1970.
    pub occurred_at: Option<u64>,
    /// The repository, team or project that precedes the headline in brackets.
    pub scope: Option<String>,
    /// The title without its scope: `Issue #1 opened: Crash`.
    pub headline: String,
    /// The page that shows what happened.
    pub url: Option<String>,
    /// The login, address or display name of the actor.
    pub actor: Option<String>,
    /// The facts.
    pub facts: F,
}

impl<F: Bounded> Outline<F> {
    /// The event, within the contract's limits. A URL that is too long is dropped, because
    /// half a URL leads elsewhere; other texts are cut.
    pub fn into_event(self, dedup_key: String) -> Event {
        let title = match self.scope {
            Some(scope) => format!("[{scope}] {}", self.headline),
            None => self.headline,
        };
        Event {
            dedup_key,
            kind: shorten(&self.kind, KIND_BYTES_MAX),
            occurred_at: self.occurred_at,
            title: one_line(&title),
            url: self.url.filter(|url| url.len() <= URL_BYTES_MAX),
            actor: self.actor.map(|actor| shorten(&actor, ACTOR_BYTES_MAX)),
            facts: self.facts.into_json(),
        }
    }
}

/// `issues.opened`, or `push` for an event without an action.
pub fn kind(family: &str, action: Option<&str>) -> String {
    match action {
        Some(action) => format!("{family}.{action}"),
        None => family.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[crate::facts]
    struct Facts {}

    impl Bounded for Facts {}

    #[test]
    fn texts_are_cut_and_an_endless_url_is_dropped() {
        let outline = Outline {
            kind: kind("push", Some(&"x".repeat(500))),
            scope: Some("o/r".into()),
            headline: format!("Two\nlines and {}", "ä".repeat(2_000)),
            url: Some(format!("https://{}", "x".repeat(5_000))),
            actor: Some("é".repeat(500)),
            ..Outline::<Facts>::default()
        };
        let event = outline.into_event("p:1".into());
        assert!(event.title.starts_with("[o/r] Two lines and ä") && event.title.ends_with('…'));
        assert_eq!((event.kind.len(), event.url), (KIND_BYTES_MAX, None));
        assert!(
            event
                .actor
                .is_some_and(|actor| actor.len() <= ACTOR_BYTES_MAX)
        );
        assert_eq!(
            (event.dedup_key.as_str(), event.facts.as_str()),
            ("p:1", "{}")
        );
    }

    #[test]
    fn a_kind_is_the_family_and_its_action() {
        assert_eq!(kind("issues", Some("opened")), "issues.opened");
        assert_eq!(kind("push", None), "push");
    }
}
