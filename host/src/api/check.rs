//! Validation of bodies that could be read: 422 reports all errors of a body at once.

use crate::http::{FieldError, Problem};
use crate::provider::{Provider, Registry};
use serde_json::Value;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The most characters of a name.
pub const NAME_CHARS_MAX: usize = 200;
/// The most characters of an account or of a connection's id.
pub const REFERENCE_CHARS_MAX: usize = 512;
/// The most characters of the reason for a person's decision.
pub const REASON_CHARS_MAX: usize = 500;
/// The most characters of a comment.
pub const COMMENT_CHARS_MAX: usize = 2_000;
/// The most bytes of a webhook secret.
pub const SECRET_BYTES_MAX: usize = 1_024;

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

    /// Checks a name and trims it.
    pub(super) fn name(&mut self, pointer: &str, name: &str) -> String {
        self.line(pointer, name, NAME_CHARS_MAX)
    }

    /// Checks an account or a connection's id and trims it.
    pub(super) fn reference(&mut self, pointer: &str, text: &str) -> String {
        self.line(pointer, text, REFERENCE_CHARS_MAX)
    }

    /// Checks the reason for a person's decision and trims it.
    pub(super) fn reason(&mut self, pointer: &str, text: &str) -> String {
        self.line(pointer, text, REASON_CHARS_MAX)
    }

    /// Checks a comment, which may have several lines, and trims it.
    pub(super) fn comment(&mut self, pointer: &str, text: &str) -> String {
        let text = text.trim();
        // Postgres cannot store NUL.
        if !(1..=COMMENT_CHARS_MAX).contains(&text.chars().count()) || text.contains('\0') {
            self.add(
                pointer,
                format!("expected 1 to {COMMENT_CHARS_MAX} characters, and no NUL"),
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
        checks.name("/name", " \u{a0} ");
        checks.reference("/account", "a\0b");
        checks.number("/max", 0, 1..=3);
        assert!(checks.provider(&Registry::default(), "nobody").is_none());
        let problem = checks.done().unwrap_err();
        let pointers: Vec<_> = problem.errors.iter().map(|e| e.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/account", "/max", "/provider"]);
    }

    #[test]
    fn a_name_is_trimmed_and_then_counted_in_characters() {
        let mut checks = Checks::default();
        assert_eq!(checks.name("/name", "  Ärger \n"), "Ärger");
        checks.name("/name", &"ä".repeat(NAME_CHARS_MAX));
        assert!(checks.done().is_ok());
        let mut checks = Checks::default();
        checks.name("/name", &"ä".repeat(NAME_CHARS_MAX + 1));
        assert!(checks.done().is_err());
    }
}
