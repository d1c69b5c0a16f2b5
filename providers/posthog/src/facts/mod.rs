//! The facts of an event: what filters decide on and automations receive. This is a public
//! format, so fields are added and never renamed. Long texts are cut where they are read.
//!
//! Absent, `null` and empty are the same and are not written. Within `properties`, which belong
//! to PostHog's customers, only `null` is the same as absent: an empty text is a value there.

mod bag;
mod bound;
mod property;

pub use bag::Bag;
pub use property::Found;
pub(crate) use property::{CREDENTIALS, first_step};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use triggerhouse_sdk::{Field, facts};

/// Everything about an event.
#[facts]
pub struct Facts {
    pub format: Format,
    /// The event's name as PostHog writes it: `$pageview`, `user signed up`.
    pub event: String,
    pub uuid: Option<String>,
    /// The id of the person or thing, chosen by the code that captured the event.
    pub distinct_id: Option<String>,
    /// The event's page in PostHog.
    pub url: Option<String>,
    /// The text of a `message`.
    pub text: Option<String>,
    /// The event's properties; the data of an `alert`; the whole of a `custom` body.
    pub properties: Map<String, Value>,
    /// The names of properties that were too large to keep.
    pub properties_omitted: Vec<String>,
    /// The elements of an `$autocapture`, in PostHog's notation.
    pub elements_chain: Option<String>,

    pub person: Option<Person>,
    pub groups: Vec<Group>,
    pub project: Option<Project>,
    /// The destination that sent the event.
    pub source: Option<Source>,
    /// The REST hook that sent the event.
    pub hook: Option<Hook>,
    /// True if facts were dropped that `properties_omitted` does not name.
    pub reduced: bool,
}

/// The form of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// An event, written by a destination's template.
    #[default]
    Event,
    /// An event, written by a REST hook for Zapier.
    RestHook,
    /// The webhook of an alert.
    Alert,
    /// The text of an action's webhook.
    Message,
    /// A template without an event.
    Custom,
}

impl Field for Format {}

/// A person.
#[facts]
pub struct Person {
    /// The id in PostHog: a UUID, or a number for a member of the team.
    pub id: Option<String>,
    /// The display name in PostHog.
    pub name: Option<String>,
    /// The property `email`, if it is a text.
    pub email: Option<String>,
    /// The person's page in PostHog.
    pub url: Option<String>,
    pub properties: Map<String, Value>,
    /// The names of properties that were too large to keep.
    pub properties_omitted: Vec<String>,
}

/// A group, such as the company of a person.
#[facts]
pub struct Group {
    /// `company`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The group's key.
    pub id: Option<String>,
    /// The group's page in PostHog.
    pub url: Option<String>,
}

/// A project.
#[facts]
pub struct Project {
    pub id: Option<String>,
    pub name: Option<String>,
    /// The project's page in PostHog.
    pub url: Option<String>,
}

/// A destination.
#[facts]
pub struct Source {
    pub name: Option<String>,
    /// The destination's page in PostHog.
    pub url: Option<String>,
}

/// A REST hook. Its target, the URL of this host, may contain a token and is not kept.
#[facts]
pub struct Hook {
    pub id: Option<String>,
    /// The event that it waits for: `action_performed`.
    pub event: Option<String>,
}
