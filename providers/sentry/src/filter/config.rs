//! A trigger's configuration. The comments become the schema's descriptions, which people
//! read when they write one.

use super::Level;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// The Sentry events that start a run. Every field is optional. An event must satisfy every
/// field that is set, and at least one entry of each list; an empty list matches everything.
/// A field rejects events that lack its value: `environments` never matches an issue.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(example = json!({"events": ["issue.created"], "projects": ["front-end"], "min_level": "error"}))]
#[schemars(example = json!({"events": ["event_alert"], "rules": ["Page the team"], "environments": ["production"]}))]
#[schemars(example = json!({"events": ["issue.unresolved"], "statuses": ["regressed", "escalating"]}))]
#[schemars(example = json!({"events": ["metric_alert.critical", "metric_alert.resolved"]}))]
pub struct Config {
    /// Events, by Sentry's names: `issue` matches every action on issues, `issue.created` only
    /// that action. Issue alerts are `event_alert`, deliveries of the older WebHooks plugin
    /// `legacy`.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(inner(regex(pattern = r"^[a-z0-9_]+(\..+)?$")))]
    #[schemars(example = json!(["issue.created", "event_alert", "metric_alert.critical"]))]
    pub events: Vec<String>,

    /// Slugs or ids of projects, ignoring case. One of the projects that a metric alert watches
    /// is enough. Installations and Seer have no project.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["front-end", "4505278293147648"]))]
    pub projects: Vec<String>,

    /// Names of alert rules, ignoring case: the rule of an issue alert or of a metric alert.
    /// Other events never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["Page the team"]))]
    pub rules: Vec<String>,

    /// The lowest level of issues, errors and issue alerts, in the order `debug`, `info`,
    /// `warning`, `error`, `fatal`. Events without a level, such as metric alerts, and events
    /// with another level never match.
    #[schemars(example = json!("error"))]
    pub min_level: Option<Level>,

    /// Environments of errors and issue alerts, or the one that a metric alert's rule watches.
    /// Case matters, because Sentry distinguishes `prod` and `Prod`. Other events, such as
    /// issues, have no environment and never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["production"]))]
    pub environments: Vec<String>,

    /// Platforms of issues, errors and issue alerts, or `APPLE` and `ANDROID` for mobile builds,
    /// ignoring case. Other events never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["python", "javascript"]))]
    pub platforms: Vec<String>,

    /// An issue's status or substatus after the event, or the state of a mobile build, ignoring
    /// case. Other events never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["regressed", "escalating"]))]
    pub statuses: Vec<String>,

    /// Tags of errors and issue alerts: `key=value`, or `key` for any value. Case matters.
    /// Entries with the same key are alternatives, and every key must match: `["plan=pro",
    /// "plan=team", "handled=no"]` matches uncaught errors of two plans. Other events have no
    /// tags and never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 512)))]
    #[schemars(inner(regex(pattern = r"^[^=]+(=.+)?$")))]
    #[schemars(example = json!(["handled=no", "customer"]))]
    pub tags: Vec<String>,

    /// The issue's assignee, ignoring case: a user's name, e-mail address or id, or a team's slug
    /// or id. For `issue.assigned` also a team's name. Events other than `issue` never match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["backend", "jane@example.com"]))]
    pub assignees: Vec<String>,
}
