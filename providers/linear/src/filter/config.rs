//! A trigger's configuration. The comments become the schema's descriptions, which people
//! read when they write one.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// The Linear events that start a run. Every field is optional. An event must satisfy every
/// field that is set, and at least one entry of each list; an empty list matches everything.
/// A field rejects events that lack its value: `assignees` never matches a comment. All
/// fields ignore case.
///
/// To match "an issue enters In Review", set `events` to `Issue.update`, `changed` to
/// `stateId` and `states` to `In Review`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(example = json!({"events": ["Issue.create"], "teams": ["ENG"], "labels": ["Bug"]}))]
#[schemars(example = json!({
    "events": ["Issue.update"], "changed": ["stateId"], "states": ["In Review"], "ignore_apps": true
}))]
#[schemars(example = json!({"events": ["IssueSLA.breached"], "priorities": [1, 2]}))]
pub struct Config {
    /// Events, by Linear's names: `Issue` matches everything that happens to issues,
    /// `Issue.update` only updates. Most types have the actions `create`, `update` and
    /// `remove`; archiving is `remove` too.
    #[schemars(length(max = 300), inner(length(min = 1, max = 256)))]
    #[schemars(inner(regex(pattern = r"^[A-Za-z0-9_]+(\..+)?$")))]
    #[schemars(example = json!(["Issue.create", "Comment", "IssueSLA.breached"]))]
    pub events: Vec<String>,

    /// Keys or ids of teams: the team of the issue, also for its comments, agent sessions and
    /// notifications; the team of a cycle or label; any team of a project. Projects, cycles
    /// and labels have ids of teams only.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["ENG"]))]
    pub teams: Vec<String>,

    /// Names or ids of projects: the project itself, or that of the issue, project update,
    /// document or customer request. Documents and comments on projects have the id only.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["Mobile app"]))]
    pub projects: Vec<String>,

    /// Names or ids of states after the event: an issue's state, a project's or initiative's
    /// status, a release's stage.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["In Review"]))]
    pub states: Vec<String>,

    /// Types of states, independent of the workspace's names. Issues have `triage`, `backlog`,
    /// `unstarted`, `started`, `completed`, `canceled` and `duplicate`; projects also have
    /// `planned` and `paused`.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["completed", "canceled"]))]
    pub state_types: Vec<String>,

    /// Priorities of issues, projects and initiatives: 0 is none, 1 urgent, 2 high, 3 medium,
    /// 4 low. An event without a priority never matches.
    #[schemars(length(max = 5), inner(range(min = 0, max = 4)))]
    #[schemars(example = json!([1, 2]))]
    pub priorities: Vec<u8>,

    /// Names or ids of labels. The issue must have one of them after the event, so a label that
    /// the event removed does not count. Projects and initiatives have ids of labels only.
    /// An event about a label has that label.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["Bug"]))]
    pub labels: Vec<String>,

    /// Names, e-mail addresses or ids of the issue's assignee after the event. Only issues and
    /// their SLAs have an assignee.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["ada@example.com"]))]
    pub assignees: Vec<String>,

    /// Names, e-mail addresses or ids of the creator of the thing that the event is about, or
    /// of the author of a comment, reaction or update. Some types have the creator's id only.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["ada@example.com"]))]
    pub creators: Vec<String>,

    /// Keys that the update must have changed, by Linear's names: `stateId`, `assigneeId`,
    /// `labelIds`, `priority`, `title`, `projectId`. One of them is enough. Only updates match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["stateId"]))]
    pub changed: Vec<String>,

    /// Rejects events that an app, OAuth client, integration or bot caused, so that an
    /// automation that writes to Linear does not start itself again. Events without an actor,
    /// such as an SLA's, match.
    pub ignore_apps: bool,
}
