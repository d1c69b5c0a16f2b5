//! The start of every event: reads what all payloads of GitHub have in common.

use crate::delivery::Delivery;
use crate::facts::{Account, Facts, Repository};
use serde_json::Value;
use triggerhouse_sdk::kind;
use triggerhouse_sdk::limits::{LIST_ITEMS_MAX, NAME_BYTES_MAX};
use triggerhouse_sdk::prelude::*;

/// An event in the making. The reader of a family completes it.
pub type Outline = triggerhouse_sdk::Outline<Facts>;

/// Reads the common parts. Most are absent from some payloads.
///
/// # Errors
/// If one of them is not as GitHub documents it.
pub fn begin(delivery: &Delivery, payload: &Payload<'_>) -> Result<Outline, ReadError> {
    let repository = payload.object_opt("/repository")?;
    let sender = sender(payload)?;
    let facts = Facts {
        event: delivery.event.clone(),
        action: payload.short_text_opt("/action")?,
        repository: repository.as_ref().map(read_repository).transpose()?,
        organization: organization(payload)?,
        enterprise: payload.name("/enterprise/slug"),
        // A family whose payload names the author overrides this. The author is absent if
        // their account was deleted.
        author: sender.clone(),
        sender,
        installation_id: payload.integer_opt("/installation/id")?,
        hook: delivery.hook.clone(),
        changes: changes(payload),
        ..Facts::default()
    };
    Ok(Outline {
        kind: kind(&facts.event, facts.action.as_deref()),
        scope: facts.scope(),
        facts,
        ..Outline::default()
    })
}

impl Facts {
    /// The repository's name, or that of the organization or enterprise.
    fn scope(&self) -> Option<String> {
        let repository = self.repository.as_ref();
        repository
            .map(|repository| repository.full_name.clone())
            .or_else(|| self.organization.clone())
            .or_else(|| self.enterprise.clone())
    }

    /// The action in words: `review_requested` is `review requested`.
    pub fn verb(&self) -> String {
        let action = self.action.as_deref().unwrap_or_default();
        match action {
            // A few events have actions in the imperative.
            "create" | "dismiss" | "resolve" | "reopen" | "suspend" | "unsuspend" => {
                format!("{}ed", action.trim_end_matches('e'))
            }
            _ => action.replace('_', " "),
        }
    }

    /// True for this action.
    pub fn is(&self, action: &str) -> bool {
        self.action.as_deref() == Some(action)
    }

    /// The repository's page, followed by `path`.
    pub fn repository_link(&self, path: &str) -> Option<String> {
        let url = self.repository.as_ref()?.url.as_deref()?;
        Some(format!("{url}{path}"))
    }
}

fn read_repository(repository: &Payload<'_>) -> Result<Repository, ReadError> {
    Ok(Repository {
        full_name: repository.short_text("/full_name")?,
        url: repository.link("/html_url"),
        default_branch: repository.name("/default_branch"),
        private: repository.flag("/private"),
        fork: repository.flag("/fork"),
    })
}

/// The payloads of personal webhooks and installations have no `organization`, although the
/// owner may be one.
fn organization(payload: &Payload<'_>) -> Result<Option<String>, ReadError> {
    if let Some(organization) = payload.object_opt("/organization")? {
        return organization.short_text("/login").map(Some);
    }
    let owners = [
        ("/repository/owner/type", "/repository/owner/login"),
        ("/installation/account/type", "/installation/account/login"),
        ("/account/type", "/account/login"),
    ];
    let is_organization = |(kind, _): &&(&str, &str)| payload.raw(kind) == Some("Organization");
    let owner = owners.iter().find(is_organization);
    Ok(owner.and_then(|(_, login)| payload.name(login)))
}

fn sender(payload: &Payload<'_>) -> Result<Option<Account>, ReadError> {
    let Some(sender) = payload.object_opt("/sender")? else {
        return Ok(None);
    };
    Ok(Some(Account {
        login: sender.short_text("/login")?,
        kind: sender.short_text_opt("/type")?,
    }))
}

fn changes(payload: &Payload<'_>) -> Vec<String> {
    let changes = payload.value_at("/changes").and_then(Value::as_object);
    let keys = changes.into_iter().flat_map(|changes| changes.keys());
    keys.take(LIST_ITEMS_MAX)
        .map(|key| shorten(key, NAME_BYTES_MAX))
        .collect()
}
