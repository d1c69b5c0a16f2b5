//! Validation of bodies that could be read: 422 reports all errors of a body at once.

use crate::http::{FieldError, Problem};
use crate::provider::{Provider, Registry};
use serde_json::Value;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The errors of a body so far.
#[derive(Debug, Default)]
pub(super) struct Checks(Vec<FieldError>);

impl Checks {
    /// Adds an error.
    pub(super) fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError::new(pointer, message));
    }

    /// Fails with 422 if there are errors.
    pub(super) fn done(self) -> Result<(), Problem> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Problem::invalid(self.0)),
        }
    }

    /// Checks text, which may have several lines, and trims it.
    pub(super) fn text(&mut self, pointer: &str, text: &str, chars_max: usize) -> String {
        let text = text.trim();
        // Postgres cannot store NUL.
        if !(1..=chars_max).contains(&text.chars().count()) || text.contains('\0') {
            self.add(
                pointer,
                format!("expected 1 to {chars_max} characters, and no NUL"),
            );
        }
        text.to_owned()
    }

    /// Checks a line of text and trims it.
    pub(super) fn line(&mut self, pointer: &str, text: &str, chars_max: usize) -> String {
        let text = text.trim();
        // A line has no control characters, and Postgres cannot store NUL.
        if !(1..=chars_max).contains(&text.chars().count()) || text.chars().any(char::is_control) {
            self.add(
                pointer,
                format!("expected 1 to {chars_max} characters of one line"),
            );
        }
        text.to_owned()
    }

    /// Checks that a number is in its range.
    pub(super) fn number(&mut self, pointer: &str, number: u64, range: RangeInclusive<u64>) {
        if !range.contains(&number) {
            self.add(
                pointer,
                format!(
                    "expected a number from {} to {}",
                    range.start(),
                    range.end()
                ),
            );
        }
    }

    /// Checks that a provider is registered and enabled. A disabled one is returned too,
    /// so that its schema can check the rest of the body.
    pub(super) fn provider(&mut self, registry: &Registry, id: &str) -> Option<Arc<Provider>> {
        let provider = registry.get(id);
        match &provider {
            None => self.add(
                "/provider",
                "is not registered; GET /providers lists the registered ones",
            ),
            Some(provider) if !provider.is_enabled() => {
                self.add("/provider", "is disabled by the operator");
            }
            Some(_) => {}
        }
        provider
    }

    /// Checks a trigger's configuration against the provider's schema.
    pub(super) fn config(&mut self, provider: &Provider, config: &Value) {
        if !config.is_object() {
            // A schema need not require an object.
            self.add("/config", "expected an object");
            return;
        }
        for error in provider.check_config(config).err().unwrap_or_default() {
            self.add(format!("/config{}", error.pointer), error.message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_errors_are_reported_together() {
        let mut checks = Checks::default();
        checks.line("/name", " \u{a0} ", 200);
        checks.line("/account", "a\0b", 512);
        checks.number("/max", 0, 1..=3);
        assert!(checks.provider(&Registry::default(), "nobody").is_none());
        let problem = checks.done().unwrap_err();
        let pointers: Vec<_> = problem.errors.iter().map(|e| e.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/account", "/max", "/provider"]);
    }
}
