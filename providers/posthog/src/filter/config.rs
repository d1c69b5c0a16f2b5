//! A trigger's configuration. The comments here are the schema's descriptions, which
//! is what people see when they write one.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Which events of PostHog start a run. Every field is optional; an empty list asks
/// for nothing. An event must satisfy one entry of `events`, `projects` and `persons`
/// each, and all entries of `properties`. A field that asks for something that an
/// event does not have rejects it.
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
    /// Names of events as PostHog writes them, with globs: `*` stands for any
    /// characters but `/`, `**` by itself for any name, `?` for one character, `[ab]`
    /// for one of several, `{a,b}` for alternatives; `!` at the start turns the glob
    /// round; `\` takes a character literally. Case matters. The alerts of logs are
    /// `logs_alert.firing` and the like, those of insights `insight_alert.firing`,
    /// the texts of an action's webhook `action.performed`, and a body that names no
    /// event `custom.received`.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["$pageview", "user *", "$error_tracking_issue_*"]))]
    pub events: Vec<String>,

    /// Projects, by id or by name; the case of names does not matter. The id is also
    /// known from the link to the event, which is in the default body; the name is
    /// known only if the body contains `{project}`.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["12345", "Production"]))]
    pub projects: Vec<String>,

    /// Persons: a distinct id or the person's id, where case matters; an e-mail
    /// address, or `*@example.com` for all addresses of a domain, where it does not.
    /// `*@*.example.com` are those of its subdomains. The address is the person's
    /// property `email`.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["*@example.com", "user-1234"]))]
    pub persons: Vec<String>,

    /// Conditions on the event's properties. All of them must hold.
    #[schemars(length(max = 50))]
    #[schemars(example = json!([{"key": "plan", "op": "eq", "value": "enterprise"}]))]
    pub properties: Vec<Condition>,
}

/// A condition on one property. A property that the event does not have, or that is
/// `null`, fulfils no condition but `exists` with `false`. One that was too large to
/// keep fulfils none but `exists`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The property's name, whatever characters are in it: `plan`, `$current_url`,
    /// `a.b`. With `/` at the start, a JSON Pointer into the properties:
    /// `/$set/plan`, `/items/0/price`.
    #[schemars(length(min = 1, max = 512))]
    pub key: String,

    /// How the property is compared; `eq` if nothing is said.
    #[serde(default)]
    pub op: Operator,

    /// What the property is compared with. Types are never converted: the text `"5"`
    /// is not the number `5`.
    #[serde(default)]
    pub value: Option<Value>,
}

/// How a property is compared with a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Operator {
    /// Is the same: texts with their case, numbers however they are written, lists
    /// and objects in all their parts.
    #[default]
    Eq,
    /// Is there, and not the same.
    Neq,
    /// A text that contains the value, a text, in the same case; or a list of which
    /// one entry is the value.
    Contains,
    /// A text of at most 8,192 bytes in which this regular expression finds
    /// something; `^` and `$` bind it to the ends. Linear in time, so without
    /// look-around and back-references. At most 256 bytes.
    Regex,
    /// Is there; with the value `false`, is not there.
    Exists,
    /// A number greater than the value, or a time after it: both numbers, or both
    /// texts of RFC 3339 such as `2026-01-31T00:00:00Z`.
    Gt,
    /// A number less than the value, or a time before it.
    Lt,
}
