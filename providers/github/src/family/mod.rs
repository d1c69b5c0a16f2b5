//! One reader for each family of events. A reader fills in what is special about
//! its events; what all payloads share, [`Outline::begin`] has read already.
//!
//! Only here is an event's name looked at. An event that GitHub adds tomorrow is
//! read by [`plain`], with the common facts and a title made from its name.

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

/// Fills in an outline.
type Reader = fn(&Payload<'_>, &mut Outline) -> Result<(), ReadError>;

/// Reads what is special about the event.
///
/// # Errors
/// If the payload lacks what makes it that event, or a filter would be misled.
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
