//! The filter: decides which configurations want an event. It reads facts alone, so a stored
//! event can be judged again at any time.
//!
//! Each check passes or returns a reason, and the first reason rejects the event. A reason
//! starts with the field's name.

mod config;

pub use config::Config;

use crate::facts::Person;
use crate::{Facts, Linear, family};
use triggerhouse_sdk::checks::{self, Check, any, events, list, same};
use triggerhouse_sdk::prelude::*;

impl Filter for Linear {
    type Config = Config;
    type Facts = Facts;

    fn matches(event: &Event, facts: &Facts, config: &Config) -> Verdict {
        checks::verdict(valid(config), || judge(event, facts, config))
    }
}

/// Checks what the schema cannot express: entries that look right and that no event would ever
/// match.
fn valid(config: &Config) -> Check {
    for wanted in &config.events {
        let Some((kind, action)) = wanted.split_once('.') else {
            continue;
        };
        let meant = match action.to_lowercase().as_str() {
            "created" | "opened" => "create",
            "updated" | "changed" => "update",
            "removed" | "delete" | "deleted" | "archived" => "remove",
            _ => continue,
        };
        if family::is_entity(kind) {
            return Err(format!(
                "events: Linear sends no `{wanted}`; use `{kind}.{meant}`"
            ));
        }
    }
    let is_misspelled = |wanted: &String| same(wanted, "cancelled");
    if config.state_types.iter().any(is_misspelled) {
        return Err("state_types: Linear writes `canceled`".into());
    }
    if let Some(wanted) = config.priorities.iter().find(|wanted| **wanted > 4) {
        return Err(format!("priorities: expected 0 to 4, found {wanted}"));
    }
    Ok(())
}

fn judge(event: &Event, facts: &Facts, config: &Config) -> Check {
    events(&event.kind, &facts.kind, &config.events, same)?;
    let teams = facts.teams.iter().flat_map(|team| [&team.key, &team.id]);
    any("teams", &config.teams, teams.flatten(), same)?;
    let project = facts.project.iter();
    let project = project.flat_map(|project| [&project.name, &project.id]);
    any("projects", &config.projects, project.flatten(), same)?;
    let state = facts.state.iter();
    let names = state.clone().flat_map(|state| [&state.name, &state.id]);
    any("states", &config.states, names.flatten(), same)?;
    let types = state.flat_map(|state| &state.kind);
    any("state_types", &config.state_types, types, same)?;
    priorities(facts.priority, &config.priorities)?;
    let labels = facts.labels.iter().chain(&facts.label_ids);
    any("labels", &config.labels, labels, same)?;
    person("assignees", &config.assignees, facts.assignee.as_ref())?;
    person("creators", &config.creators, facts.creator.as_ref())?;
    any("changed", &config.changed, &facts.changed, same)?;
    ignore_apps(facts, config.ignore_apps)
}

/// A missing priority matches none of the five, not even `0`, which says that an issue has no
/// priority.
fn priorities(priority: Option<i64>, wanted: &[u8]) -> Check {
    if wanted.is_empty() {
        return Ok(());
    }
    let Some(priority) = priority else {
        return Err("priorities: the event has none".into());
    };
    if wanted.iter().any(|wanted| i64::from(*wanted) == priority) {
        return Ok(());
    }
    let wanted: Vec<String> = wanted.iter().map(u8::to_string).collect();
    Err(format!(
        "priorities: {priority} does not match {}",
        list(&wanted)
    ))
}

fn person(field: &str, wanted: &[String], person: Option<&Person>) -> Check {
    let known_by = person.into_iter().flat_map(Person::known_by);
    any(field, wanted, known_by, same)
}

fn ignore_apps(facts: &Facts, ignore: bool) -> Check {
    match &facts.actor {
        Some(actor) if ignore && actor.app => {
            let name = actor.label().unwrap_or("the actor");
            Err(format!("ignore_apps: {name} is an app"))
        }
        _ => Ok(()),
    }
}
