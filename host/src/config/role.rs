//! The roles of a process.

use super::setting::Setting;
use crate::domain::text_enum::text_enum;
use serde::Deserialize;

text_enum! {
    /// A part of the work; a process may do one or several.
    #[derive(clap::ValueEnum)]
    pub enum Role {
        /// Accepts webhooks.
        Ingress = "ingress",
        /// Processes deliveries, polls services, ends overdue runs, deletes old rows.
        Workers = "workers",
        /// Fires scheduled triggers.
        Scheduler = "scheduler",
        /// Sends messages to sinks.
        Dispatcher = "dispatcher",
        /// Serves `/v1`.
        Api = "api",
    }
}

/// The roles of one process: at least one.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Vec<Role>")]
pub struct Roles(Vec<Role>);

impl Setting for Roles {}

impl Roles {
    /// True if `role` is among them.
    pub fn contains(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Their words, separated by commas.
    pub fn names(&self) -> String {
        let words: Vec<&str> = self.0.iter().map(|role| role.as_str()).collect();
        words.join(",")
    }
}

impl TryFrom<Vec<Role>> for Roles {
    type Error = String;

    fn try_from(roles: Vec<Role>) -> Result<Self, String> {
        if roles.is_empty() {
            return Err(format!(
                "expected at least one of {}",
                Role::WORDS.join(", ")
            ));
        }
        Ok(Self(roles))
    }
}
