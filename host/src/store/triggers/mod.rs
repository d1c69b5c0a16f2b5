//! Triggers: what is written about them, and how they are read.

mod counts;
mod read;
mod write;

use super::routes::SealedSecret;
use crate::domain::resource::TriggerKind;
use crate::domain::{AutomationId, IntegrationId, TriggerId};
use serde_json::Value;

/// A trigger to create.
#[derive(Clone, Debug)]
pub struct NewTrigger {
    /// Its id, to which its secret is bound.
    pub id: TriggerId,
    /// What it runs.
    pub automation: TriggerAutomation,
    /// For people.
    pub name: String,
    /// Whose events.
    pub provider: String,
    /// What makes it fire.
    pub kind: TriggerKind,
    /// The account whose deliveries it sees.
    pub integration: Option<IntegrationId>,
    /// Which events it wants; checked by the caller.
    pub config: Value,
    /// Whether it sees anything.
    pub enabled: bool,
    /// Of its URL.
    pub token: String,
    /// Of the deliveries to its URL.
    pub secret: SealedSecret,
}

/// What a new trigger runs.
#[derive(Clone, Debug)]
pub enum TriggerAutomation {
    /// One that exists.
    Existing(AutomationId),
    /// One that is created with it, under this name.
    New(String),
}

/// What may change about a trigger.
#[derive(Clone, Debug, Default)]
pub struct TriggerPatch {
    /// For people.
    pub name: Option<String>,
    /// Which events it wants; checked by the caller.
    pub config: Option<Value>,
    /// Whether it sees anything.
    pub enabled: Option<bool>,
    /// The account whose deliveries it sees; `Some(None)` for none.
    pub integration: Option<Option<IntegrationId>>,
}
