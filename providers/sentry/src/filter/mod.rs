//! The filter: decides which configurations want an event. It reads facts alone, so a stored
//! event can be judged again at any time.
//!
//! Each check passes or returns a reason, and the first reason rejects the event. A reason
//! starts with the field's name.

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

/// Checks what the schema cannot express.
fn valid(config: &Config) -> Check {
    // It looks right, and no event would ever match.
    let is_alert = |wanted: &&String| wanted.split('.').next() == Some("issue_alert");
    if let Some(wanted) = config.events.iter().find(is_alert) {
        return Err(format!(
            "events: Sentry sends no `{wanted}`; issue alerts are `event_alert.triggered`"
        ));
    }
    tags::valid(&config.tags)
}

fn judge(event: &Event, facts: &Facts, config: &Config) -> Check {
    events(&event.kind, &facts.resource, &config.events, equal)?;
    any("projects", &config.projects, projects(facts), same)?;
    any("rules", &config.rules, &facts.rules, same)?;
    min_level(facts, config.min_level)?;
    let environment = &facts.environment;
    any("environments", &config.environments, environment, equal)?;
    any("platforms", &config.platforms, &facts.platform, same)?;
    let statuses = [&facts.status, &facts.substatus].into_iter();
    any("statuses", &config.statuses, statuses.flatten(), same)?;
    tags::check(&config.tags, &facts.tags)?;
    any("assignees", &config.assignees, assignee(facts), same)
}

/// The slugs and ids of every project that the event is about.
fn projects(facts: &Facts) -> impl Iterator<Item = &String> {
    let one = facts.project.iter();
    let one = one.flat_map(|project| [&project.slug, &project.id]);
    let watched = facts.metric_alert.iter();
    let watched = watched.flat_map(|alert| &alert.projects);
    one.flatten().chain(watched)
}

/// The names, slug, address and id of the assignee.
fn assignee(facts: &Facts) -> impl Iterator<Item = &String> {
    let one = facts.assignee.iter();
    let names = one.flat_map(|one| [&one.name, &one.slug, &one.email, &one.id]);
    names.flatten()
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
            "min_level: {name} is not one of the comparable levels"
        )),
    }
}
