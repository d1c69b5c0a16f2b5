//! Checks what was readable: all errors of a body are reported at once.

use crate::http::{FieldError, Problem};
use crate::provider::{Provider, Registry};
use serde_json::Value;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Characters of a name at most.
pub const NAME_CHARS_MAX: usize = 200;
/// Characters of an account or a connection's id at most.
pub const REFERENCE_CHARS_MAX: usize = 512;
/// Characters of the reason for what a person does.
pub const REASON_CHARS_MAX: usize = 500;
/// Characters of a comment.
pub const COMMENT_CHARS_MAX: usize = 2_000;
/// Bytes of a webhook secret at most.
pub const SECRET_BYTES_MAX: usize = 1_024;

/// Gathers what is wrong with a body.
#[derive(Debug, Default)]
pub(super) struct Checks(Vec<FieldError>);

impl Checks {
    /// Notes an error.
    pub(super) fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError::new(pointer, message));
    }

    /// 422 with all errors, if there are any.
    pub(super) fn done(self) -> Result<(), Problem> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Problem::invalid(self.0)),
        }
    }

    /// A name, without the blanks around it.
    pub(super) fn name(&mut self, pointer: &str, name: &str) -> String {
        self.line(pointer, name, NAME_CHARS_MAX)
    }

    /// An account or a connection's id, without the blanks around it.
    pub(super) fn reference(&mut self, pointer: &str, text: &str) -> String {
        self.line(pointer, text, REFERENCE_CHARS_MAX)
    }

    /// The reason for what a person does, without the blanks around it.
    pub(super) fn reason(&mut self, pointer: &str, text: &str) -> String {
        self.line(pointer, text, REASON_CHARS_MAX)
    }

    /// A comment, of any number of lines, without the blanks around it.
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

    /// A line of text, without the blanks around it.
    pub(super) fn line(&mut self, pointer: &str, text: &str, chars_max: usize) -> String {
        let text = text.trim();
        // Control characters belong in no line, and Postgres cannot store NUL.
        if !(1..=chars_max).contains(&text.chars().count()) || text.chars().any(char::is_control) {
            self.add(
                pointer,
                format!("expected 1 to {chars_max} characters of one line"),
            );
        }
        text.to_owned()
    }

    /// A number within its limits.
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

    /// A provider that is registered and switched on.
    pub(super) fn provider(&mut self, registry: &Registry, id: &str) -> Option<Arc<Provider>> {
        let provider = registry.get(id);
        match &provider {
            None => self.add(
                "/provider",
                "is not registered; GET /providers shows which are",
            ),
            Some(provider) if !provider.is_enabled() => {
                self.add("/provider", "is switched off by the operator");
            }
            Some(_) => {}
        }
        provider
    }

    /// A trigger's configuration, after the provider's schema.
    pub(super) fn config(&mut self, provider: &Provider, config: &Value) {
        if !config.is_object() {
            // The schema might not say so itself.
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
    fn all_errors_are_reported_at_once() {
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
    fn a_name_is_counted_in_characters_after_trimming() {
        let mut checks = Checks::default();
        assert_eq!(checks.name("/name", "  Ärger \n"), "Ärger");
        checks.name("/name", &"ä".repeat(NAME_CHARS_MAX));
        assert!(checks.done().is_ok());
        let mut checks = Checks::default();
        checks.name("/name", &"ä".repeat(NAME_CHARS_MAX + 1));
        assert!(checks.done().is_err());
    }
}
