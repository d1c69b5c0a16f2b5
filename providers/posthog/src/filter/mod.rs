//! Which configurations want an event. Decides on facts alone, so a stored event can
//! be judged again at any time.
//!
//! Each check returns what was wrong, and the first that does rejects the event; its
//! text starts with the field's name.

mod compare;
mod condition;
mod config;
mod persons;

pub use config::{Condition, Config, Operator};

use crate::{Facts, PostHog};
use condition::Test;
use triggerhouse_sdk::checks::{self, Check, any, same};
use triggerhouse_sdk::glob;
use triggerhouse_sdk::prelude::*;

impl Filter for PostHog {
    type Config = Config;
    type Facts = Facts;

    fn matches(_event: &Event, facts: &Facts, config: &Config) -> Verdict {
        let tests: Result<Vec<Test<'_>>, String> = config.properties.iter().map(Test::of).collect();
        match tests {
            Ok(tests) => checks::verdict(valid(config), || judge(facts, config, &tests)),
            Err(reason) => checks::verdict(Err(reason), || Ok(())),
        }
    }
}

/// What the schema cannot check.
fn valid(config: &Config) -> Check {
    checks::globs("events", &config.events)?;
    persons::valid(&config.persons)
}

fn judge(facts: &Facts, config: &Config, tests: &[Test<'_>]) -> Check {
    any("events", &config.events, [facts.event.as_str()], is_event)?;
    let project = facts.project.as_ref();
    let project = project
        .into_iter()
        .flat_map(|project| [&project.id, &project.name]);
    let project = project.filter_map(Option::as_deref);
    any("projects", &config.projects, project, same)?;
    persons::check(facts, &config.persons)?;
    tests.iter().try_for_each(|test| test.check(facts))
}

/// A name may itself be full of brackets, so it always matches itself.
fn is_event(wanted: &str, name: &str) -> bool {
    wanted == name || glob::matches(wanted, name)
}
