//! Which configurations want an event. Decides on facts alone, so a stored event
//! can be judged again at any time.
//!
//! Each check returns what was wrong, and the first that does rejects the event;
//! its text starts with the field's name.

mod config;

pub use config::Config;

use crate::facts::Person;
use crate::{Facts, Linear, family};
use triggerhouse_sdk::checks::{self, Check, any, list, same};
use triggerhouse_sdk::prelude::*;

impl Filter for Linear {
    type Config = Config;
    type Facts = Facts;

    fn matches(event: &Event, facts: &Facts, config: &Config) -> Verdict {
        checks::verdict(valid(config), || judge(event, facts, config))
    }
}

/// What the schema cannot check: entries that look right, would be accepted, and
/// would wait for ever.
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
    if config
        .state_types
        .iter()
        .any(|wanted| same(wanted, "cancelled"))
    {
        return Err("state_types: Linear writes `canceled`".into());
    }
    if let Some(wanted) = config.priorities.iter().find(|wanted| **wanted > 4) {
        return Err(format!("priorities: expected 0 to 4, found {wanted}"));
    }
    Ok(())
}

fn judge(event: &Event, facts: &Facts, config: &Config) -> Check {
    events(&event.kind, &facts.kind, &config.events)?;
    let teams = facts.teams.iter();
    let teams = teams.flat_map(|team| [team.key.as_deref(), team.id.as_deref()]);
    any("teams", &config.teams, teams.flatten(), same)?;
    let project = facts.project.iter();
    let project = project.flat_map(|project| [project.name.as_deref(), project.id.as_deref()]);
    any("projects", &config.projects, project.flatten(), same)?;
    let state = facts.state.iter();
    let state = state.flat_map(|state| [state.name.as_deref(), state.id.as_deref()]);
    any("states", &config.states, state.flatten(), same)?;
    let state_type = facts.state.as_ref().and_then(|state| state.kind.as_deref());
    any("state_types", &config.state_types, state_type, same)?;
    priorities(facts.priority, &config.priorities)?;
    let labels = facts.labels.iter().chain(&facts.label_ids);
    any("labels", &config.labels, labels.map(String::as_str), same)?;
    person("assignees", &config.assignees, facts.assignee.as_ref())?;
    person("creators", &config.creators, facts.creator.as_ref())?;
    let changed = facts.changed.iter().map(String::as_str);
    any("changed", &config.changed, changed, same)?;
    ignore_apps(facts, config.ignore_apps)
}

/// By the kind, `Issue.update`, or by the type alone. The kind, not the facts' type
/// and action apart: either may itself contain dots.
fn events(kind: &str, family: &str, wanted: &[String]) -> Check {
    let asks = |wanted: &String| same(wanted, family) || same(wanted, kind);
    if wanted.is_empty() || wanted.iter().any(asks) {
        return Ok(());
    }
    Err(format!("events: {kind} is not among {}", list(wanted)))
}

/// A missing priority is none of the five, not even `0`: an event that has no
/// priority does not say that there is none.
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
            let name = actor.called().unwrap_or("the actor");
            Err(format!("ignore_apps: {name} is an app"))
        }
        _ => Ok(()),
    }
}
