//! The `filter` interface: decides which configurations want an event.

pub mod checks;

use crate::contract::types::{Event, Verdict};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

/// Implemented by every provider.
pub trait Filter {
    /// A trigger's configuration. The host checks configurations against its JSON Schema,
    /// in which doc comments become descriptions.
    type Config: DeserializeOwned + JsonSchema;
    /// The provider's facts about an event, as `parse` or `poll` wrote them.
    type Facts: DeserializeOwned;

    /// Decides if `config` wants `event`. A rejection names the field that rejected it.
    fn matches(event: &Event, facts: &Self::Facts, config: &Self::Config) -> Verdict;
}

/// Returns one verdict for each configuration. Reads the facts once, and turns facts or
/// configurations that cannot be read into verdicts instead of traps.
pub fn judge<P: Filter>(event: &Event, configs: &[String]) -> Vec<Verdict> {
    let facts: P::Facts = match serde_json::from_str(&event.facts) {
        Ok(facts) => facts,
        Err(error) => {
            let reason = format!("facts: not written by this version of the provider: {error}");
            return vec![Verdict::Reject(reason); configs.len()];
        }
    };
    configs
        .iter()
        .map(|config| match serde_json::from_str::<P::Config>(config) {
            Ok(config) => P::matches(event, &facts, &config),
            Err(error) => Verdict::InvalidConfig(error.to_string()),
        })
        .collect()
}
