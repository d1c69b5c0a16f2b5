//! A trigger's configuration. The comments here are the schema's descriptions,
//! which is what people see when they write one.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Which events of Linear start a run. Every field is optional. An event must
/// satisfy all fields that are given, and one entry of each list; an empty list
/// asks for nothing. A field that asks for something that an event does not have
/// rejects it: `assignees` never matches a comment. Case never matters.
///
/// "An issue enters In Review" is `events` `Issue.update`, `changed` `stateId` and
/// `states` `In Review`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(example = json!({"events": ["Issue.create"], "teams": ["ENG"], "labels": ["Bug"]}))]
#[schemars(example = json!({
    "events": ["Issue.update"], "changed": ["stateId"], "states": ["In Review"], "ignore_apps": true
}))]
#[schemars(example = json!({"events": ["IssueSLA.breached"], "priorities": [1, 2]}))]
pub struct Config {
    /// Events, by Linear's names: `Issue` is everything that happens to issues,
    /// `Issue.update` only updates. What Linear creates, updates and removes has
    /// the actions `create`, `update` and `remove`; archiving is `remove` too.
    #[schemars(length(max = 300), inner(length(min = 1, max = 256)))]
    #[schemars(inner(regex(pattern = r"^[A-Za-z0-9_]+(\..+)?$")))]
    #[schemars(example = json!(["Issue.create", "Comment", "IssueSLA.breached"]))]
    pub events: Vec<String>,

    /// Keys or ids of teams. An issue's team, also of comments on it and of agent
    /// sessions and notifications about it; a cycle's or label's team; any team of
    /// a project. Projects, cycles and labels know their teams by id only.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["ENG"]))]
    pub teams: Vec<String>,

    /// Names or ids of projects: the project itself, or the one that the issue,
    /// project update, document or customer request belongs to. Documents and
    /// comments on projects know theirs by id only.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["Mobile app"]))]
    pub projects: Vec<String>,

    /// Names or ids of states: an issue's state, a project's or initiative's
    /// status, a release's stage; after the event.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["In Review"]))]
    pub states: Vec<String>,

    /// Types of states, whatever a workspace calls them. Issues have `triage`,
    /// `backlog`, `unstarted`, `started`, `completed`, `canceled` and `duplicate`;
    /// projects also `planned` and `paused`.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["completed", "canceled"]))]
    pub state_types: Vec<String>,

    /// Priorities of issues, projects and initiatives: 0 is none, 1 urgent, 2 high,
    /// 3 medium, 4 low. An event that says nothing of a priority never matches.
    #[schemars(length(max = 5), inner(range(min = 0, max = 4)))]
    #[schemars(example = json!([1, 2]))]
    pub priorities: Vec<u8>,

    /// Names or ids of labels. One of them must be on the issue after the event; a
    /// label just removed no longer is. Projects and initiatives know their labels
    /// by id only. For events about a label, that label.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["Bug"]))]
    pub labels: Vec<String>,

    /// Names, e-mail addresses or ids of people: whose the issue is after the event.
    /// Only issues and their SLAs have an assignee.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["ada@example.com"]))]
    pub assignees: Vec<String>,

    /// Names, e-mail addresses or ids of people: who created what the event is
    /// about, or wrote the comment, reaction or update. Some types know their
    /// creator by id only.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["ada@example.com"]))]
    pub creators: Vec<String>,

    /// What an update must have changed, by Linear's own keys: `stateId`,
    /// `assigneeId`, `labelIds`, `priority`, `title`, `projectId`. One of them is
    /// enough. Only updates match.
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    #[schemars(example = json!(["stateId"]))]
    pub changed: Vec<String>,

    /// Whether to reject what apps, OAuth clients, integrations and bots do. With it,
    /// an automation that writes to Linear does not start itself again. An event that
    /// names no actor, such as an SLA's, is let through.
    pub ignore_apps: bool,
}
