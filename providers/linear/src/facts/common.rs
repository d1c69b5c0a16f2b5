//! People, teams and states: what filters compare with names and ids.

use super::is_false;
use serde::{Deserialize, Serialize};

/// A user of the workspace, somebody outside of it, or a bot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// Linear's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl Person {
    /// All that the person is known by.
    pub fn known_by(&self) -> impl Iterator<Item = &str> {
        let known = [&self.name, &self.email, &self.id];
        known.into_iter().flatten().map(String::as_str)
    }
}

/// Who did something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Actor {
    /// Linear's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `user`, `externalUser`, `oauthClient`, `integration`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name for people; an integration has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An integration's service: `github`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether it is an app, an OAuth client, an integration or a bot.
    #[serde(skip_serializing_if = "is_false")]
    pub app: bool,
}

impl Actor {
    /// What people call it: an integration has a service instead of a name.
    pub fn called(&self) -> Option<&str> {
        let names = [&self.name, &self.service, &self.email];
        names.into_iter().flatten().map(String::as_str).next()
    }
}

impl From<Person> for Actor {
    fn from(person: Person) -> Self {
        Self {
            id: person.id,
            name: person.name,
            email: person.email,
            ..Self::default()
        }
    }
}

/// A team.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Team {
    /// Linear's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `ENG`, as in `ENG-123`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Team {
    /// A team of which nothing else is known.
    pub fn of_id(id: String) -> Self {
        Self {
            id: Some(id),
            ..Self::default()
        }
    }
}

/// A workflow state, project status or release stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Linear's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The workspace's own name: `In Review`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What Linear makes of it: `started`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}
