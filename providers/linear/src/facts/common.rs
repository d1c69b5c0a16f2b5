//! People, teams and states, which filters compare with names and ids.

use triggerhouse_sdk::facts;

/// A user of the workspace, an external user, or a bot.
#[facts]
pub struct Person {
    pub id: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
}

impl Person {
    /// The person's name, e-mail address and id.
    pub fn known_by(&self) -> impl Iterator<Item = &str> {
        let known = [&self.name, &self.email, &self.id];
        known.into_iter().flatten().map(String::as_str)
    }
}

/// The user, app or integration that caused an event.
#[facts]
pub struct Actor {
    pub id: Option<String>,
    /// `user`, `externalUser`, `oauthClient`, `integration`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The display name. An integration has none.
    pub name: Option<String>,
    /// An integration's service: `github`.
    pub service: Option<String>,
    pub email: Option<String>,
    pub url: Option<String>,
    /// True for an app, an OAuth client, an integration or a bot.
    pub app: bool,
}

impl Actor {
    /// The name to show. An integration has a service instead of a name.
    pub fn label(&self) -> Option<&str> {
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
#[facts]
pub struct Team {
    pub id: Option<String>,
    /// `ENG`, as in `ENG-123`.
    pub key: Option<String>,
    pub name: Option<String>,
}

impl Team {
    /// A team known by its id only.
    pub fn of_id(id: String) -> Self {
        Self {
            id: Some(id),
            ..Self::default()
        }
    }
}

/// A workflow state, project status or release stage.
#[facts]
pub struct State {
    pub id: Option<String>,
    /// The workspace's own name: `In Review`.
    pub name: Option<String>,
    /// Linear's type for it: `started`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}
