//! Which configurations want an event. Decides on facts alone, so a stored event
//! can be judged again at any time.
//!
//! Each check returns what was wrong, and the first that does rejects the event;
//! its text starts with the field's name.

mod config;

pub use config::Config;

use crate::{Facts, GitHub};
use triggerhouse_sdk::checks::{self, Check, any, events, list, same};
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

/// What the schema cannot check.
fn valid(config: &Config) -> Check {
    checks::globs("repositories", &config.repositories)?;
    checks::globs("branches", &config.branches)?;
    checks::globs("tags", &config.tags)?;
    checks::globs("paths", &config.paths)?;
    // Looks right, would be accepted, and would wait for ever.
    if config
        .events
        .iter()
        .any(|wanted| wanted == "pull_request.merged")
    {
        return Err("events: GitHub sends no `pull_request.merged`; \
            use `pull_request.closed` with `merged: true`"
            .into());
    }
    Ok(())
}

fn judge(event: &Event, facts: &Facts, config: &Config) -> Check {
    // The kind, not the facts' event and action apart: an action may itself contain
    // dots.
    events(&event.kind, &facts.event, &config.events)?;
    let repository = facts
        .repository
        .as_ref()
        .map(|repository| repository.full_name.as_str());
    any(
        "repositories",
        &config.repositories,
        repository,
        glob::matches_any_case,
    )?;
    any(
        "organizations",
        &config.organizations,
        facts.organization.as_deref(),
        same,
    )?;
    any(
        "branches",
        &config.branches,
        facts.branches.iter().map(String::as_str),
        glob::matches,
    )?;
    any("tags", &config.tags, facts.tag.as_deref(), glob::matches)?;
    any(
        "labels",
        &config.labels,
        facts.labels.iter().map(String::as_str),
        same,
    )?;
    let author = facts.author.as_ref().map(|author| author.login.as_str());
    any("authors", &config.authors, author, same)?;
    exclude_bots(facts, config.exclude_bots)?;
    draft(facts, config.draft)?;
    merged(facts, config.merged)?;
    any(
        "conclusions",
        &config.conclusions,
        facts.conclusion.as_deref(),
        same,
    )?;
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

fn draft(facts: &Facts, wanted: Option<bool>) -> Check {
    match (wanted, facts.draft) {
        (Some(true), Some(false)) => Err("draft: it is no draft".into()),
        (Some(false), Some(true)) => Err("draft: it is a draft".into()),
        (Some(_), None) => Err("draft: the event is about nothing that can be a draft".into()),
        _ => Ok(()),
    }
}

fn merged(facts: &Facts, wanted: Option<bool>) -> Check {
    let Some(wanted) = wanted else {
        return Ok(());
    };
    if facts.event != "pull_request" {
        return Err(format!("merged: {} is no pull_request event", facts.event));
    }
    match (wanted, facts.merged) {
        (true, Some(true)) if facts.action.as_deref() == Some("closed") => Ok(()),
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
    let matched = push
        .paths
        .iter()
        .any(|path| wanted.iter().any(|wanted| glob::matches(wanted, path)));
    // Files that are not known may match: see the schema.
    if matched || push.paths_truncated {
        return Ok(());
    }
    let count = push.paths.len();
    Err(format!(
        "paths: none of {count} changed files matches {}",
        list(wanted)
    ))
}
