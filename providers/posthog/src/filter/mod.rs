//! The filter: decides which configurations want an event. It reads facts alone, so a stored
//! event can be judged again at any time.
//!
//! Each check passes or returns a reason, and the first reason rejects the event. A reason
//! starts with the field's name.

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

/// Checks what the schema cannot express.
fn valid(config: &Config) -> Check {
    checks::globs("events", &config.events)?;
    persons::valid(&config.persons)
}

fn judge(facts: &Facts, config: &Config, tests: &[Test<'_>]) -> Check {
    any("events", &config.events, [&facts.event], is_event)?;
    let project = facts.project.iter();
    let names = project.flat_map(|project| [&project.id, &project.name]);
    any("projects", &config.projects, names.flatten(), same)?;
    persons::check(facts, &config.persons)?;
    tests.iter().try_for_each(|test| test.check(facts))
}

/// A name always matches itself, because it may contain brackets.
fn is_event(wanted: &str, name: &str) -> bool {
    wanted == name || glob::matches(wanted, name)
}
