//! What a family's reader fills in: the event before it is put into its final
//! form. Starts with what every payload of GitHub has in common.

use crate::delivery::Delivery;
use crate::facts::{Account, Facts, Repository};
use serde_json::Value;
use triggerhouse_sdk::limits::{LIST_ITEMS_MAX, NAME_BYTES_MAX};
use triggerhouse_sdk::prelude::*;

/// One event in the making.
#[derive(Default)]
pub struct Outline {
    /// What is kept of the payload.
    pub facts: Facts,
    /// The title without the repository: `Issue #1 opened: Crash`.
    pub headline: String,
    /// Where a person can look at it.
    pub url: Option<String>,
    /// Microseconds since 1970.
    pub occurred_at: Option<u64>,
}

impl Outline {
    /// Reads what is common to all payloads, each part only where GitHub sends it.
    ///
    /// # Errors
    /// If such a part is there but not as GitHub documents it.
    pub fn begin(delivery: &Delivery, payload: &Payload<'_>) -> Result<Self, ReadError> {
        let name = |text: &str| shorten(text, NAME_BYTES_MAX);
        let repository = payload.object_opt("/repository")?;
        let sender = sender(payload)?;
        let facts = Facts {
            event: delivery.event.clone(),
            action: payload
                .text_opt("/action")?
                .filter(|action| !action.is_empty())
                .map(name),
            repository: repository.as_ref().map(read_repository).transpose()?,
            organization: organization(payload)?.map(name),
            enterprise: payload.name("/enterprise/slug"),
            // Until a family knows better. One that finds its author's account
            // deleted says nobody.
            author: sender.clone(),
            sender,
            installation_id: payload.integer_opt("/installation/id")?,
            hook: delivery.hook.clone(),
            changes: changes(payload),
            ..Facts::default()
        };
        Ok(Self {
            facts,
            ..Self::default()
        })
    }

    /// The action in words: `review_requested` is `review requested`.
    pub fn verb(&self) -> String {
        let action = self.facts.action.as_deref().unwrap_or_default();
        match action {
            // A few events put their actions in the imperative.
            "create" | "dismiss" | "resolve" | "reopen" | "suspend" | "unsuspend" => {
                format!("{}ed", action.trim_end_matches('e'))
            }
            _ => action.replace('_', " "),
        }
    }

    /// Whether the action is this one.
    pub fn is(&self, action: &str) -> bool {
        self.facts.action.as_deref() == Some(action)
    }

    /// Where people find the repository, with `rest` behind it.
    pub fn repository_link(&self, rest: &str) -> Option<String> {
        let url = self.facts.repository.as_ref()?.url.as_deref()?;
        Some(format!("{url}{rest}"))
    }
}

fn read_repository(repository: &Payload<'_>) -> Result<Repository, ReadError> {
    Ok(Repository {
        full_name: shorten(repository.text("/full_name")?, NAME_BYTES_MAX),
        url: repository.link("/html_url"),
        default_branch: repository.name("/default_branch"),
        private: repository.flag("/private"),
        fork: repository.flag("/fork"),
    })
}

/// A personal webhook's payload has no `organization`, though the repository's
/// owner may be one; nor has an installation's.
fn organization<'a>(payload: &Payload<'a>) -> Result<Option<&'a str>, ReadError> {
    if let Some(organization) = payload.object_opt("/organization")? {
        return organization.text("/login").map(Some);
    }
    let owners = ["/repository/owner", "/installation/account", "/account"];
    let is_organization =
        |owner: &&Value| owner.get("type").and_then(Value::as_str) == Some("Organization");
    let owner = owners
        .iter()
        .filter_map(|pointer| payload.value_at(pointer))
        .find(is_organization);
    Ok(owner.and_then(|owner| owner.get("login")?.as_str()))
}

fn sender(payload: &Payload<'_>) -> Result<Option<Account>, ReadError> {
    let Some(sender) = payload.object_opt("/sender")? else {
        return Ok(None);
    };
    Ok(Some(Account {
        login: shorten(sender.text("/login")?, NAME_BYTES_MAX),
        kind: sender
            .text_opt("/type")?
            .map(|kind| shorten(kind, NAME_BYTES_MAX)),
    }))
}

fn changes(payload: &Payload<'_>) -> Vec<String> {
    let changes = payload.value_at("/changes").and_then(Value::as_object);
    let keys = changes.into_iter().flat_map(|changes| changes.keys());
    keys.take(LIST_ITEMS_MAX)
        .map(|key| shorten(key, NAME_BYTES_MAX))
        .collect()
}
