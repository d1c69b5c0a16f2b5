//! Which configurations want an event. Decides on facts alone, so a stored event can be
//! judged again at any time.
//!
//! Each check returns what was wrong, and the first that does rejects the event; its
//! text starts with the field's name.

mod config;
mod level;
mod tags;

pub use config::Config;
pub use level::Level;

use crate::{Facts, Sentry};
use triggerhouse_sdk::checks::{self, Check, any, equal, events, same};
use triggerhouse_sdk::prelude::*;

impl Filter for Sentry {
    type Config = Config;
    type Facts = Facts;

    fn matches(event: &Event, facts: &Facts, config: &Config) -> Verdict {
        checks::verdict(valid(config), || judge(event, facts, config))
    }
}

/// What the schema cannot check.
fn valid(config: &Config) -> Check {
    // Looks right, would be accepted, and would wait for ever.
    let is_alert = |wanted: &&String| wanted.split('.').next() == Some("issue_alert");
    if let Some(wanted) = config.events.iter().find(is_alert) {
        return Err(format!(
            "events: Sentry sends no `{wanted}`; issue alerts are `event_alert.triggered`"
        ));
    }
    tags::valid(&config.tags)
}

fn judge(event: &Event, facts: &Facts, config: &Config) -> Check {
    // The kind, not the facts' resource and action apart: an action may itself contain
    // dots.
    events(&event.kind, &facts.resource, &config.events)?;
    any("projects", &config.projects, projects(facts), same)?;
    any(
        "rules",
        &config.rules,
        facts.rules.iter().map(String::as_str),
        same,
    )?;
    min_level(facts, config.min_level)?;
    any(
        "environments",
        &config.environments,
        facts.environment.as_deref(),
        equal,
    )?;
    any(
        "platforms",
        &config.platforms,
        facts.platform.as_deref(),
        same,
    )?;
    let statuses = [&facts.status, &facts.substatus];
    any(
        "statuses",
        &config.statuses,
        statuses.into_iter().flatten().map(String::as_str),
        same,
    )?;
    tags::check(&config.tags, &facts.tags)?;
    any("assignees", &config.assignees, assignee(facts), same)
}

/// All names of all projects that the event is about.
fn projects(facts: &Facts) -> impl Iterator<Item = &str> {
    let one = facts.project.iter();
    let one = one.flat_map(|project| [&project.slug, &project.id]);
    let watched = facts.metric_alert.iter();
    let watched = watched.flat_map(|alert| &alert.projects);
    one.flatten().chain(watched).map(String::as_str)
}

/// All names of the one whose issue it is.
fn assignee(facts: &Facts) -> impl Iterator<Item = &str> {
    let one = facts.assignee.iter();
    let names = one.flat_map(|one| [&one.name, &one.slug, &one.email, &one.id]);
    names.flatten().map(String::as_str)
}

fn min_level(facts: &Facts, wanted: Option<Level>) -> Check {
    let Some(wanted) = wanted else {
        return Ok(());
    };
    let Some(name) = facts.level.as_deref() else {
        return Err("min_level: the event has no level".into());
    };
    match Level::named(name) {
        Some(level) if level >= wanted => Ok(()),
        Some(_) => Err(format!("min_level: {name} is below what is asked for")),
        None => Err(format!(
            "min_level: {name} is no level that can be compared"
        )),
    }
}
