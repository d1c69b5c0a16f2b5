//! What the operator says about the service.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// The path that follows the base URL. `me` is whoever the credential belongs to.
const PATH: &str = "/gmail/v1/users/me";

/// Settings of the Gmail provider. Nothing needs to be set.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(example = json!({"base_url": "https://gmail.googleapis.com"}))]
pub struct Settings {
    /// Where the API is: a URL without the path `/gmail/v1`. For a proxy, or a
    /// test. Another host than `gmail.googleapis.com` has to be granted as well.
    #[schemars(length(max = 1024), regex(pattern = r"^https?://[^\s?#]+$"))]
    pub base_url: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "https://gmail.googleapis.com".into(),
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
}
