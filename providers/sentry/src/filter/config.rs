//! A trigger's configuration. The comments here are the schema's descriptions, which is
//! what people see when they write one.

use super::Level;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Which events of Sentry start a run. Every field is optional. An event must satisfy
/// all fields that are given, and one entry of each list; an empty list asks for
/// nothing. A field that asks for something that an event does not have rejects it:
/// `environments` never matches an issue.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(example = json!({"events": ["issue.created"], "projects": ["front-end"], "min_level": "error"}))]
#[schemars(example = json!({"events": ["event_alert"], "rules": ["Page the team"], "environments": ["production"]}))]
#[schemars(example = json!({"events": ["issue.unresolved"], "statuses": ["regressed", "escalating"]}))]
#[schemars(example = json!({"events": ["metric_alert.critical", "metric_alert.resolved"]}))]
pub struct Config {
    /// Events, by Sentry's names: `issue` is every action on issues, `issue.created`
    /// only that one. Issue alerts are `event_alert`, deliveries of the older
    /// WebHooks plugin `legacy`.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(inner(regex(pattern = r"^[a-z0-9_]+(\..+)?$")))]
    #[schemars(example = json!(["issue.created", "event_alert", "metric_alert.critical"]))]
    pub events: Vec<String>,

    /// Projects, by slug or by id; case does not matter. One of those that a metric
    /// alert watches is enough. Installations and Seer have no project.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["front-end", "4505278293147648"]))]
    pub projects: Vec<String>,

    /// Names of alert rules; case does not matter: the rule of an issue alert or of a
    /// metric alert. Other events never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["Page the team"]))]
    pub rules: Vec<String>,

    /// The lowest level, in the order `debug`, `info`, `warning`, `error`, `fatal`, of
    /// issues, errors and issue alerts. Events without a level, such as metric alerts,
    /// or with one that is none of these, never match.
    #[schemars(example = json!("error"))]
    pub min_level: Option<Level>,

    /// Environments of errors and issue alerts, or the one that a metric alert's rule
    /// watches. Exactly as Sentry spells them: it tells `prod` from `Prod`. Other
    /// events, issues among them, name no environment and never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["production"]))]
    pub environments: Vec<String>,

    /// Platforms of issues, errors and issue alerts, or `APPLE` and `ANDROID` of mobile
    /// builds; case does not matter. Other events never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["python", "javascript"]))]
    pub platforms: Vec<String>,

    /// An issue's status or substatus after the event, or the state of a mobile build;
    /// case does not matter. Other events never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["regressed", "escalating"]))]
    pub statuses: Vec<String>,

    /// Tags of errors and issue alerts: `key=value`, or `key` for any value, exactly as
    /// Sentry spells them. Entries with the same key are alternatives, and each key
    /// must be satisfied: `["plan=pro", "plan=team", "handled=no"]` asks for one of two
    /// plans, and for what nothing caught. Other events have no tags and never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 512)))]
    #[schemars(inner(regex(pattern = r"^[^=]+(=.+)?$")))]
    #[schemars(example = json!(["handled=no", "customer"]))]
    pub tags: Vec<String>,

    /// Whose issue it is: a user's name, e-mail address or id, or a team's slug or id;
    /// case does not matter. Of `issue.assigned`, to whom it was assigned, and also a
    /// team's name. Events other than `issue` never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["backend", "jane@example.com"]))]
    pub assignees: Vec<String>,
}
