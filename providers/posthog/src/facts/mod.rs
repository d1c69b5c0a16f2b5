//! What is kept of a body. Filters see nothing else, and neither do the automations,
//! so this is a public format: fields are added, never renamed.
//!
//! Absent, `null` and empty are the same and are not written. Within `properties`,
//! which belong to PostHog's customers, only `null` is the same as absent: an empty
//! text is a value there.

mod bag;
mod bound;
mod property;

pub use bag::Bag;
pub use property::Found;
pub(crate) use property::{CREDENTIALS, first_step};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Everything about an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Which of PostHog's bodies it came in.
    pub format: Format,
    /// The event's name as PostHog writes it: `$pageview`, `user signed up`.
    pub event: String,
    /// The event's UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Whose event it is, by the id that the sender of the event chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distinct_id: Option<String>,
    /// The event's page at PostHog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The text of a `message`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The event's properties; the data of an `alert`; the whole of a `custom` body.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
    /// Properties that the event has, but that were too large to keep.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub properties_omitted: Vec<String>,
    /// The elements that an `$autocapture` was about, in PostHog's notation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elements_chain: Option<String>,

    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
    /// The groups that the event belongs to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    /// The project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    /// The destination that sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The REST hook that sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook: Option<Hook>,
    /// Whether more was left out than `properties_omitted` names.
    #[serde(skip_serializing_if = "is_false")]
    pub reduced: bool,
}

/// The bodies that PostHog sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// An event, as a destination's template writes it.
    #[default]
    Event,
    /// An event, as the REST hooks for Zapier write it.
    RestHook,
    /// What a webhook of an alert sends.
    Alert,
    /// The text of an action's webhook.
    Message,
    /// A template that names no event.
    Custom,
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// The person's id at PostHog, a UUID; of a member of the team, a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name that PostHog displays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The property `email`, if it is a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The person's page at PostHog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The person's properties, as far as they are not too large.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
    /// Properties that the person has, but that were too large to keep.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub properties_omitted: Vec<String>,
}

/// A group, such as the company of a person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    /// `company`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The group's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The group's page at PostHog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Project {
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its page at PostHog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A destination.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Source {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its page at PostHog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A REST hook. Its target is our own address, which may carry a token: not kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hook {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it waits for: `action_performed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
}

fn is_false(value: &bool) -> bool {
    !value
}
