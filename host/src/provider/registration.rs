//! The operator's entry for a provider: one `[[providers]]` table of the configuration.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::fmt;
use std::path::{Path, PathBuf};

/// An entry of the registry. With a `component` it registers that file. Without one it
/// configures the component in the providers directory that has its `id`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryEntry {
    /// The id that the component must describe; none accepts any.
    #[serde(default)]
    pub id: Option<String>,
    /// The path of the component's file.
    #[serde(default)]
    pub component: Option<PathBuf>,
    /// The file's SHA-256 in hexadecimal digits; none accepts any file.
    #[serde(default)]
    pub sha256: Option<String>,
    /// False if the provider must not run. A disabled one is still listed.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// The settings that the component gets with each call.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Hosts that the component may reach if it declares them, as `host` or `host:port`.
    #[serde(default)]
    pub allow_hosts: Vec<String>,
    /// Secrets of `/webhooks/direct/{provider}`: several during a rotation.
    #[serde(default)]
    pub app_secrets: Vec<String>,
}

fn enabled() -> bool {
    true
}

impl RegistryEntry {
    /// An entry that registers `component` under its own id and grants nothing.
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
    /// Omits secrets, and settings, which may contain some.
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
