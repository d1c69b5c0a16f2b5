//! What the operator says about a provider: one `[[providers]]` of the
//! configuration.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::fmt;
use std::path::{Path, PathBuf};

/// An entry of the registry. With a `component` it registers that file; without
/// one it configures what the providers directory holds under its `id`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryEntry {
    /// The id that the component must describe; whatever it describes, if none.
    #[serde(default)]
    pub id: Option<String>,
    /// The component's file.
    #[serde(default)]
    pub component: Option<PathBuf>,
    /// The file's SHA-256 in hexadecimal digits; anything, if none.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Whether it can run. A disabled one is listed all the same.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// Handed to the component with each call.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Hosts that it may reach, as `host` or `host:port`, if it asks for them.
    #[serde(default)]
    pub allow_hosts: Vec<String>,
    /// Secrets of `/webhooks/direct/{provider}`. Several allow rotation.
    #[serde(default)]
    pub app_secrets: Vec<String>,
}

fn enabled() -> bool {
    true
}

impl RegistryEntry {
    /// Registers `component` as it describes itself, granting nothing.
    pub fn of(component: &Path) -> Self {
        Self {
            id: None,
            component: Some(component.to_owned()),
            sha256: None,
            enabled: true,
            settings: Map::new(),
            allow_hosts: Vec::new(),
            app_secrets: Vec::new(),
        }
    }
}

impl fmt::Debug for RegistryEntry {
    /// Without secrets, which settings may hold as well.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryEntry")
            .field("id", &self.id)
            .field("component", &self.component)
            .field("sha256", &self.sha256)
            .field("enabled", &self.enabled)
            .field("allow_hosts", &self.allow_hosts)
            .finish_non_exhaustive()
    }
}
