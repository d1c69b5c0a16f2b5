//! The operator's settings.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// The path after the base URL. `me` is the owner of the credential.
const PATH: &str = "/gmail/v1/users/me";
/// Google's 6,000 units per user and minute, less a reserve. The reserve covers the dearest call
/// (527 units), which may be under way when Google's minute begins, and a few failed calls,
/// whose cursor and units are not stored.
const QUOTA_UNITS_PER_MINUTE: u32 = 5_400;

/// Settings of the Gmail provider. All of them are optional.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(example = json!({"base_url": "https://gmail.googleapis.com"}))]
pub struct Settings {
    /// The URL of the API, without the path `/gmail/v1`: set it for a proxy or a test. The
    /// operator must also grant any host other than `gmail.googleapis.com`.
    #[schemars(length(max = 1024), regex(pattern = r"^https?://[^\s?#]+$"))]
    pub base_url: String,

    /// Units of the API's quota that polls of one mailbox may spend per minute. A message costs
    /// 20. Google allows 6,000 per user and project; the default leaves room for a call that
    /// is under way when Google's minute begins. The minimum of 600 is enough for one call.
    #[schemars(range(min = 600))]
    pub quota_units_per_minute: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "https://gmail.googleapis.com".into(),
            quota_units_per_minute: QUOTA_UNITS_PER_MINUTE,
        }
    }
}

impl Settings {
    /// The start of every request's URL.
    pub(crate) fn root(&self) -> String {
        format!("{}{PATH}", self.base_url.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_follows_the_base_url() {
        let root = |settings: &str| {
            let settings: Settings = serde_json::from_str(settings).unwrap();
            settings.root()
        };
        let gmail = "https://gmail.googleapis.com/gmail/v1/users/me";
        assert_eq!(root("{}"), gmail);
        let proxied = r#"{"base_url": "http://127.0.0.1:8025/"}"#;
        assert_eq!(root(proxied), "http://127.0.0.1:8025/gmail/v1/users/me");
    }

    #[test]
    fn the_default_quota_is_googles_less_a_reserve() {
        let quota = |settings: &str| {
            let settings: Settings = serde_json::from_str(settings).unwrap();
            settings.quota_units_per_minute
        };
        assert_eq!(quota("{}"), 5_400);
        assert_eq!(quota(r#"{"quota_units_per_minute": 600}"#), 600);
        for wrong in ["-1", "0.5", "\"600\"", "null"] {
            let settings = format!(r#"{{"quota_units_per_minute": {wrong}}}"#);
            assert!(serde_json::from_str::<Settings>(&settings).is_err());
        }
    }
}
