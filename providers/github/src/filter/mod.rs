//! Which configurations want an event. Decides on facts alone, so a stored event
//! can be judged again at any time.
//!
//! Each check returns what was wrong, and the first that does rejects the event;
//! its text starts with the field's name.

mod config;
mod glob;

pub use config::Config;

use crate::{Facts, GitHub};
use triggerhouse_sdk::prelude::*;

/// Reasons are for a person's screen.
const REASON_BYTES_MAX: usize = 300;

/// A field's opinion: why it rejects.
type Check = Result<(), String>;

impl Filter for GitHub {
    type Config = Config;
    type Facts = Facts;

    fn matches(event: &Event, facts: &Facts, config: &Config) -> Verdict {
        if let Err(reason) = valid(config) {
            return Verdict::InvalidConfig(shorten(&reason, REASON_BYTES_MAX));
        }
        if facts.event == "ping" {
            return Verdict::Reject("ping: never starts a run".into());
        }
        match judge(event, facts, config) {
            Ok(()) => Verdict::Accept,
            Err(reason) => Verdict::Reject(shorten(&reason, REASON_BYTES_MAX)),
        }
    }
}

/// What the schema cannot check.
fn valid(config: &Config) -> Check {
    let globs = [
        ("repositories", &config.repositories),
        ("branches", &config.branches),
        ("tags", &config.tags),
        ("paths", &config.paths),
    ];
    for (field, patterns) in globs {
        for pattern in patterns {
            glob::check(pattern).map_err(|error| format!("{field}: `{pattern}`: {error}"))?;
        }
    }
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
    events(&event.kind, facts, &config.events)?;
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

/// Compares with the kind, not with the facts' event and action apart, because an
/// action may itself contain dots.
fn events(kind: &str, facts: &Facts, wanted: &[String]) -> Check {
    if wanted.is_empty()
        || wanted
            .iter()
            .any(|wanted| *wanted == facts.event || wanted == kind)
    {
        return Ok(());
    }
    Err(format!("events: {kind} is not among {}", list(wanted)))
}

/// Whether one of the event's values satisfies one of those wanted.
fn any<'a>(
    field: &str,
    wanted: &[String],
    values: impl IntoIterator<Item = &'a str>,
    satisfies: fn(&str, &str) -> bool,
) -> Check {
    if wanted.is_empty() {
        return Ok(());
    }
    let mut seen = Vec::new();
    for value in values {
        if wanted.iter().any(|wanted| satisfies(wanted, value)) {
            return Ok(());
        }
        seen.push(value.to_owned());
    }
    if seen.is_empty() {
        return Err(format!("{field}: the event has none"));
    }
    Err(format!(
        "{field}: {} does not match {}",
        list(&seen),
        list(wanted)
    ))
}

/// Logins, labels and conclusions: GitHub compares them without regard to case.
fn same(wanted: &str, value: &str) -> bool {
    wanted == value || wanted.to_lowercase() == value.to_lowercase()
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

fn list(texts: &[String]) -> String {
    shorten(&texts.join(", "), REASON_BYTES_MAX / 3)
}
