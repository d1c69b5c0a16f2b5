//! A trigger's configuration. The comments become the schema's descriptions, which people
//! read when they write one.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// The PostHog events that start a run. Every field is optional, and an empty list matches
/// everything. An event must satisfy at least one entry of `events`, of `projects` and of
/// `persons`, and every entry of `properties`. A field rejects events that lack its value.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(example = json!({"events": ["user signed up"], "persons": ["*@example.com"]}))]
#[schemars(example = json!({
    "events": ["$error_tracking_issue_created", "$error_tracking_issue_reopened"]
}))]
#[schemars(example = json!({
    "events": ["order placed"],
    "properties": [{"key": "total", "op": "gt", "value": 100}, {"key": "coupon", "op": "exists"}]
}))]
pub struct Config {
    /// Names of events as PostHog writes them, or globs: `*` matches any characters except
    /// `/`, a lone `**` any name, `?` one character, `[ab]` one of several, `{a,b}` one of the
    /// alternatives. `!` at the start negates the glob; `\` makes a character literal. Case
    /// matters. Alerts of logs are `logs_alert.firing` and similar, alerts of insights
    /// `insight_alert.firing`, texts of an action's webhook `action.performed`, and bodies
    /// without an event `custom.received`.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["$pageview", "user *", "$error_tracking_issue_*"]))]
    pub events: Vec<String>,

    /// Ids or names of projects, ignoring case. The default body contains the id, in the link
    /// to the event. Only a body with `{project}` contains the name.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["12345", "Production"]))]
    pub projects: Vec<String>,

    /// Persons: a distinct id or the person's id, where case matters; an e-mail address or all
    /// addresses of a domain, `*@example.com`, ignoring case. `*@*.example.com` matches its
    /// subdomains. The address is the person's property `email`.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["*@example.com", "user-1234"]))]
    pub persons: Vec<String>,

    /// Conditions on the event's properties. All of them must hold.
    #[schemars(length(max = 50))]
    #[schemars(example = json!([{"key": "plan", "op": "eq", "value": "enterprise"}]))]
    pub properties: Vec<Condition>,
}

/// A condition on one property. A property that is missing or `null` satisfies only `exists`
/// with `false`. A property that was too large to keep satisfies only `exists`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The property's name, with any characters: `plan`, `$current_url`, `a.b`. If it starts
    /// with `/`, a JSON Pointer into the properties: `/$set/plan`, `/items/0/price`.
    #[schemars(length(min = 1, max = 512))]
    pub key: String,

    /// The comparison; `eq` by default.
    #[serde(default)]
    pub op: Operator,

    /// The value to compare with. Types are never converted: the text `"5"` is not the number
    /// `5`.
    #[serde(default)]
    pub value: Option<Value>,
}

/// A comparison of a property with a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Operator {
    /// Equal: texts including their case, numbers by value, lists and objects in all their
    /// parts.
    #[default]
    Eq,
    /// Present and not equal.
    Neq,
    /// A text that contains the value, including its case, or a list with an entry equal to the
    /// value.
    Contains,
    /// A text of at most 8,192 bytes in which this regular expression of at most 256 bytes
    /// matches; `^` and `$` anchor it. The search takes linear time, so there is no look-around
    /// and no back-reference.
    Regex,
    /// Present; with the value `false`, not present.
    Exists,
    /// A number greater than the value, or a time after it: both are numbers, or both are
    /// texts in RFC 3339 such as `2026-01-31T00:00:00Z`.
    Gt,
    /// A number less than the value, or a time before it.
    Lt,
}
