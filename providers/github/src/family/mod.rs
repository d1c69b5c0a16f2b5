//! One reader for each family of events. It reads the parts that are special to its events;
//! [`crate::outline::begin`] has read the parts common to all payloads.
//!
//! Only this file looks at an event's name. [`plain`] reads an event that GitHub adds later:
//! its common facts, and a title made from its name.

mod alert;
mod check;
mod comment;
mod deployment;
mod discussion;
mod installation;
mod issue;
mod plain;
mod pull_request;
mod push;
mod reference;
mod release;
mod review;
mod status;
mod strict;
mod workflow;

use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// Completes an outline.
type Reader = fn(&Payload<'_>, &mut Outline) -> Result<(), ReadError>;

/// Reads the parts that are special to the event.
///
/// # Errors
/// If the payload lacks a part that makes it that event, or would mislead a filter.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    reader(&outline.facts.event)(payload, outline)
}

fn reader(event: &str) -> Reader {
    match event {
        "issues" => issue::issues,
        "issue_dependencies" => issue::dependencies,
        "sub_issues" => issue::sub_issues,
        "issue_comment" => comment::on_issue,
        "commit_comment" => comment::on_commit,
        "pull_request_review_comment" => comment::on_diff,
        "discussion_comment" => comment::on_discussion,
        "discussion" => discussion::read,
        "pull_request" => pull_request::read,
        "pull_request_review" => review::review,
        "pull_request_review_thread" => review::thread,
        "push" => push::read,
        "create" | "delete" => reference::read,
        "check_run" => check::run,
        "check_suite" => check::suite,
        "status" => status::read,
        "merge_group" => check::merge_group,
        "workflow_run" => workflow::run,
        "workflow_job" => workflow::job,
        "workflow_dispatch" => workflow::dispatch,
        "repository_dispatch" => workflow::repository_dispatch,
        "deployment" => deployment::deployment,
        "deployment_status" => deployment::status,
        "deployment_review" => deployment::review,
        "deployment_protection_rule" => deployment::protection_rule,
        "release" => release::read,
        "code_scanning_alert" => alert::code_scanning,
        "dependabot_alert" => alert::dependabot,
        "repository_vulnerability_alert" => alert::vulnerability,
        "secret_scanning_alert" | "secret_scanning_alert_location" => alert::secret,
        "security_advisory" | "repository_advisory" => alert::advisory,
        "installation" | "installation_repositories" | "installation_target" => installation::read,
        _ => plain::read,
    }
}
