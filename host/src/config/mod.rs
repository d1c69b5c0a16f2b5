//! The configuration of a process.
//!
//! `config.default.toml` documents every setting and has its default. A file, the
//! environment and the command line override it, in this order (`layers.rs`).
//!
//! Owns: the names, types and bounds of all settings, and the error messages about them.
//! Never does: anything with a setting. Modules get the part that they need.
//!
//! Invariant: a [`Config`] is valid. The type of each field refuses a wrong value while it
//! is read (`number.rs`, `text.rs`), the macro `settings!` refuses a field of another type
//! (`setting.rs`), and `relations.rs` compares settings with each other.

mod layers;
mod number;
mod relations;
mod retention;
mod role;
mod sections;
mod setting;
mod text;

pub use number::{Bytes, Count, Days, Millis, Number, Seconds};
pub use retention::RetentionConfig;
pub use role::{Role, Roles};
pub use sections::{
    ApiConfig, CredentialsConfig, GithubAppConfig, InboxConfig, IngressConfig, LogConfig,
    LogFormat, NangoConfig, OutboxConfig, PollingConfig, RunsConfig, SchedulerConfig, SinksConfig,
    TelemetryConfig,
};
pub use text::{BaseUrl, DatabaseUrl, OptionalUrl, RedisUrl, Secrets};

use crate::egress::EgressLimits;
use crate::provider::{EngineLimits, RegistryEntry};
use crate::secret::Secret;
use number::WEEK;
use sections::CONNECTIONS_MAX;
use setting::settings;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

settings! {
    /// All settings, see `config.default.toml`. What it prints for debugging has no secrets.
    pub struct Config {
        pub listen: String,
        pub public_url: OptionalUrl,
        pub database_url: DatabaseUrl,
        // One each for the listener, the writer, pings, routes, workers and `/v1`.
        pub database_connections_max: Count<6, CONNECTIONS_MAX>,
        pub database_answer_seconds_max: Seconds<1, WEEK>,
        pub redis_url: RedisUrl,
        pub master_key: Secret,
        pub master_key_file: PathBuf,
        pub master_key_replaced: bool,
        pub roles: Roles,
        pub providers_dir: String,
        pub component_cache_dir: String,
        pub shutdown_seconds_max: Seconds<1, WEEK>,
        pub shutdown_notice_seconds: Seconds<0, WEEK>,
        pub log: LogConfig,
        pub telemetry: TelemetryConfig,
        pub api: ApiConfig,
        pub ingress: IngressConfig,
        pub inbox: InboxConfig,
        pub scheduler: SchedulerConfig,
        pub polling: PollingConfig,
        pub outbox: OutboxConfig,
        pub sinks: SinksConfig,
        pub runs: RunsConfig,
        pub retention: RetentionConfig,
        pub engine: EngineLimits,
        pub egress: EgressLimits,
        pub credentials: CredentialsConfig,
        pub nango: NangoConfig,
        pub github_app: GithubAppConfig,
        #[serde(default)]
        pub providers: Vec<RegistryEntry>,
    }
}

impl Config {
    /// Reads the configuration. `environment` is that of the process; `flags` are those of
    /// the command line, and override everything else.
    ///
    /// # Errors
    /// If the file cannot be read, or a setting is unknown, missing or wrong. The message
    /// names the setting, and says what was expected and what was given.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        flags: Table,
    ) -> anyhow::Result<Self> {
        let table = layers::merged(file, environment, flags)?;
        let config: Self =
            serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
                let (setting, error) = (error.path().to_string(), error.into_inner());
                anyhow::anyhow!("{setting}: {}", error.message())
            })?;
        relations::check(
            &config.inbox,
            &config.polling,
            &config.sinks,
            &config.retention,
        )?;
        Ok(config)
    }

    /// The start of webhook URLs, without a slash at its end.
    pub fn public_url(&self) -> String {
        match self.public_url.get() {
            Some(url) => url.as_str().to_owned(),
            None => format!("http://{}", self.listen),
        }
    }

    /// True if this process has a role.
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.contains(role)
    }
}

#[cfg(test)]
mod tests;
