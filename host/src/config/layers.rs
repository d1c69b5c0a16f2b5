//! The layers of the configuration, each above the one before: the embedded defaults, a
//! file, the environment, the command line.
//!
//! Owns: merging tables, and turning environment variables into settings.
//! Never does: check a value; see `number.rs` and `text.rs`.
//!
//! The crate `figment` is no substitute. It guesses the type of an environment variable
//! from its text, so a secret of digits would become a number, and it splits names at
//! each underscore, which our settings contain. Here the default decides both.

use anyhow::Context;
use std::path::Path;
use toml::{Table, Value};

const DEFAULTS: &str = include_str!("../../config.default.toml");
const ENVIRONMENT_PREFIX: &str = "TRIGGERHOUSE_";

/// All layers as one table.
///
/// # Errors
/// If the file cannot be read or is not TOML, or an environment variable is not of its
/// setting's type; the message names the file or the variable.
pub(super) fn merged(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: Table,
) -> anyhow::Result<Table> {
    let defaults: Table = DEFAULTS.parse().context("config.default.toml")?;
    let mut config = defaults.clone();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))?;
        let table: Table = text
            .parse()
            .with_context(|| format!("{} is not valid TOML", path.display()))?;
        merge(&mut config, table);
    }
    for (name, text) in environment {
        if let Some(path) = name.strip_prefix(ENVIRONMENT_PREFIX) {
            set_from_environment(&mut config, &defaults, path, &text)
                .with_context(|| format!("the environment variable {name}"))?;
        }
    }
    merge(&mut config, flags);
    Ok(config)
}

/// Puts `over` above `base`, table by table.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// `DATABASE_URL` is `database_url`, `INBOX_POLL_MS` is `inbox.poll_ms`. The defaults
/// tell where the name of a table ends. Variables that name no setting belong to tests or
/// to other releases, and are ignored.
fn set_from_environment(
    config: &mut Table,
    defaults: &Table,
    path: &str,
    text: &str,
) -> anyhow::Result<()> {
    let name = path.to_ascii_lowercase();
    if let Some(default) = defaults.get(&name) {
        config.insert(name, typed(default, text)?);
        return Ok(());
    }
    for (section, value) in defaults {
        let Value::Table(table) = value else { continue };
        let key = name
            .strip_prefix(section.as_str())
            .and_then(|rest| rest.strip_prefix('_'));
        if let Some((key, default)) = key.and_then(|key| table.get_key_value(key))
            && let Some(Value::Table(table)) = config.get_mut(section)
        {
            table.insert(key.clone(), typed(default, text)?);
        }
    }
    Ok(())
}

/// The text as a value of the default's type.
fn typed(default: &Value, text: &str) -> anyhow::Result<Value> {
    Ok(match default {
        Value::String(_) => Value::String(text.to_owned()),
        _ => {
            let parsed: Table = format!("value = {text}").parse().with_context(|| {
                format!("expected {} in TOML, got {text:?}", default.type_str())
            })?;
            parsed.get("value").cloned().context("expected a value")?
        }
    })
}
