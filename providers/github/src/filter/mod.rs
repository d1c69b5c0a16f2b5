//! The filter: decides which configurations want an event. It reads facts alone, so a stored
//! event can be judged again at any time.
//!
//! Each check passes or returns a reason, and the first reason rejects the event. A reason
//! starts with the field's name.

mod config;

pub use config::Config;

use crate::{Facts, GitHub};
use triggerhouse_sdk::checks::{self, Check, any, equal, events, flag, list, same};
use triggerhouse_sdk::glob;
use triggerhouse_sdk::prelude::*;

impl Filter for GitHub {
    type Config = Config;
    type Facts = Facts;

    fn matches(event: &Event, facts: &Facts, config: &Config) -> Verdict {
        checks::verdict(valid(config), || {
            if facts.event == "ping" {
                return Err("ping: never starts a run".into());
            }
            judge(event, facts, config)
        })
    }
}

/// Checks what the schema cannot express.
fn valid(config: &Config) -> Check {
    checks::globs("repositories", &config.repositories)?;
    checks::globs("branches", &config.branches)?;
    checks::globs("tags", &config.tags)?;
    checks::globs("paths", &config.paths)?;
    // It looks right, and no event would ever match.
    let is_merge = |wanted: &String| wanted == "pull_request.merged";
    if config.events.iter().any(is_merge) {
        return Err("events: GitHub sends no `pull_request.merged`; \
            use `pull_request.closed` with `merged: true`"
            .into());
    }
    Ok(())
}

fn judge(event: &Event, facts: &Facts, config: &Config) -> Check {
    events(&event.kind, &facts.event, &config.events, equal)?;
    let repository = facts
        .repository
        .iter()
        .map(|repository| &repository.full_name);
    any(
        "repositories",
        &config.repositories,
        repository,
        glob::matches_any_case,
    )?;
    any(
        "organizations",
        &config.organizations,
        &facts.organization,
        same,
    )?;
    any("branches", &config.branches, &facts.branches, glob::matches)?;
    any("tags", &config.tags, &facts.tag, glob::matches)?;
    any("labels", &config.labels, &facts.labels, same)?;
    let author = facts.author.iter().map(|author| &author.login);
    any("authors", &config.authors, author, same)?;
    exclude_bots(facts, config.exclude_bots)?;
    flag("draft", config.draft, facts.draft, |draft| match draft {
        Some(true) => "it is a draft",
        Some(false) => "it is not a draft",
        None => "the event is about nothing that can be a draft",
    })?;
    merged(facts, config.merged)?;
    any("conclusions", &config.conclusions, &facts.conclusion, same)?;
    paths(facts, &config.paths)
}

fn exclude_bots(facts: &Facts, exclude: bool) -> Check {
    match &facts.sender {
        Some(sender) if exclude => {
            if sender.kind.as_deref() == Some("Bot") || sender.login.ends_with("[bot]") {
                return Err(format!("exclude_bots: {} is a bot", sender.login));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn merged(facts: &Facts, wanted: Option<bool>) -> Check {
    let Some(wanted) = wanted else {
        return Ok(());
    };
    if facts.event != "pull_request" {
        return Err(format!(
            "merged: {} is not a pull_request event",
            facts.event
        ));
    }
    match (wanted, facts.merged) {
        (true, Some(true)) if facts.is("closed") => Ok(()),
        (true, Some(true)) => Err("merged: it was merged before this event".into()),
        (true, _) => Err("merged: it is not merged".into()),
        (false, Some(false)) => Ok(()),
        (false, _) => Err("merged: it is merged".into()),
    }
}

fn paths(facts: &Facts, wanted: &[String]) -> Check {
    if wanted.is_empty() {
        return Ok(());
    }
    let Some(push) = &facts.push else {
        return Err(format!(
            "paths: only a push names files; this is {}",
            facts.event
        ));
    };
    let is_wanted = |path: &String| wanted.iter().any(|wanted| glob::matches(wanted, path));
    // A file that the facts do not list may match: see the schema.
    if push.paths_truncated || push.paths.iter().any(is_wanted) {
        return Ok(());
    }
    let count = push.paths.len();
    Err(format!(
        "paths: none of {count} changed files matches {}",
        list(wanted)
    ))
}
