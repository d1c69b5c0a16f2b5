//! What the operator says about the service.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// The path that follows the base URL. `me` is whoever the credential belongs to.
const PATH: &str = "/gmail/v1/users/me";
/// Google's 6,000 units per user and minute, less what the dearest call (527 units)
/// may spend that is under way when Google's minute begins, and a few failed ones whose
/// cursor, and with it what they spent, is not stored.
const QUOTA_UNITS_PER_MINUTE: u32 = 5_400;

/// Settings of the Gmail provider. Nothing needs to be set.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(example = json!({"base_url": "https://gmail.googleapis.com"}))]
pub struct Settings {
    /// Where the API is: a URL without the path `/gmail/v1`. For a proxy, or a
    /// test. Another host than `gmail.googleapis.com` has to be granted as well.
    #[schemars(length(max = 1024), regex(pattern = r"^https?://[^\s?#]+$"))]
    pub base_url: String,

    /// Units of the API's quota that polling one mailbox may spend within a minute. A
    /// message costs 20. Google allows 6,000 per user and project; the default leaves
    /// room for a call that is under way while Google's minute begins. At least
    /// 600, which is enough for a whole call.
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
    /// What every request's URL starts with.
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
    fn the_quota_is_googles_less_a_call_unless_the_operator_says_otherwise() {
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
