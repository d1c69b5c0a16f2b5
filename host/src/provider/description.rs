//! A component's description of itself, and its check. The host acts natively on a checked
//! description, so it takes nothing on trust.

use crate::domain::provider::ProviderKind;
use crate::domain::source::{PollingSource, WebhookScheme};
use crate::provider::schema::Schema;
use crate::provider::sources;
use serde_json::Value;

/// Bytes of an id.
const ID_BYTES_MAX: usize = 64;
/// Bytes of the display name.
const NAME_BYTES_MAX: usize = 128;
/// Bytes of the descriptive text.
const DESCRIPTION_BYTES_MAX: usize = 2_048;
/// Bytes of a JSON Schema.
const SCHEMA_BYTES_MAX: usize = 262_144;

/// A description as the guest returned it, in any version of the contract.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) version: String,
    pub(crate) config_schema: String,
    pub(crate) settings_schema: Option<String>,
    pub(crate) webhook: Option<WebhookScheme>,
    pub(crate) polling: Option<PollingSource>,
}

/// A checked description with compiled schemas.
pub(crate) struct CheckedDescription {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) version: String,
    pub(crate) config: Schema,
    pub(crate) settings: Option<Schema>,
    pub(crate) webhook: Option<WebhookScheme>,
    pub(crate) polling: Option<PollingSource>,
}

impl Description {
    /// Checks the description against the exports of the component.
    ///
    /// # Errors
    /// The field that is wrong, and the reason.
    pub(crate) fn check(self, kinds: &[ProviderKind]) -> Result<CheckedDescription, String> {
        check_id(&self.id).map_err(|wrong| format!("id: {wrong}"))?;
        check_text("name", &self.name, NAME_BYTES_MAX)?;
        check_text("description", &self.description, DESCRIPTION_BYTES_MAX)?;
        if let Err(wrong) = semver::Version::parse(&self.version) {
            return Err(format!(
                "version: expected semver, got {:?}: {wrong}",
                self.version
            ));
        }
        let webhook = self.webhook.map(sources::check_webhook).transpose()?;
        let polling = self.polling.map(sources::check_polling).transpose()?;
        let exports = |kind| kinds.contains(&kind);
        check_half("webhook", webhook.is_some(), exports(ProviderKind::Webhook))?;
        check_half("polling", polling.is_some(), exports(ProviderKind::Polling))?;
        Ok(CheckedDescription {
            id: self.id,
            name: self.name,
            description: self.description,
            version: self.version,
            config: schema("config-schema", &self.config_schema)?,
            settings: self
                .settings_schema
                .map(|text| schema("settings-schema", &text))
                .transpose()?,
            webhook,
            polling,
        })
    }
}

/// Checks that `id` can name a provider.
///
/// # Errors
/// The expected form.
pub(crate) fn check_id(id: &str) -> Result<(), String> {
    let fits = id.len() <= ID_BYTES_MAX
        && id.starts_with(|first: char| first.is_ascii_lowercase())
        && id
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if fits {
        return Ok(());
    }
    Err(format!(
        "expected 1 to {ID_BYTES_MAX} of a-z, 0-9 and -, starting with a letter, got {id:?}"
    ))
}

fn check_text(field: &str, text: &str, bytes_max: usize) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err(format!("{field}: expected text, got nothing"));
    }
    if text.len() > bytes_max {
        let size = text.len();
        return Err(format!(
            "{field}: {size} bytes, but the limit is {bytes_max}"
        ));
    }
    if text.contains('\0') {
        return Err(format!("{field}: contains a NUL character"));
    }
    Ok(())
}

/// Checks that an interface and its description come together. The host needs the
/// description to serve the interface, and a description alone promises a missing function.
fn check_half(half: &str, described: bool, exported: bool) -> Result<(), String> {
    match (described, exported) {
        (false, true) => Err(format!(
            "{half}: missing, although the component exports {half}"
        )),
        (true, false) => Err(format!(
            "{half}: described, although the component does not export {half}"
        )),
        _ => Ok(()),
    }
}

fn schema(field: &str, text: &str) -> Result<Schema, String> {
    let size = text.len();
    if size > SCHEMA_BYTES_MAX {
        return Err(format!(
            "{field}: {size} bytes, but the limit is {SCHEMA_BYTES_MAX}"
        ));
    }
    let document: Value =
        serde_json::from_str(text).map_err(|error| format!("{field}: expected JSON: {error}"))?;
    Schema::compile(document).map_err(|error| format!("{field}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_lower_case_and_starts_with_a_letter() {
        for good in ["a", "echo", "my-service2", &"a".repeat(64)] {
            assert_eq!(check_id(good), Ok(()));
        }
        for bad in [
            "",
            "2fast",
            "-a",
            "Echo",
            "a_b",
            "a/b",
            "é",
            &"a".repeat(65),
        ] {
            assert!(check_id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_source_and_its_interface_come_together() {
        assert_eq!(check_half("webhook", true, true), Ok(()));
        assert_eq!(check_half("webhook", false, false), Ok(()));
        assert!(check_half("webhook", false, true).is_err());
        assert!(check_half("webhook", true, false).is_err());
    }
}
