//! News for apps that act as users of a workspace: notifications and agent sessions. Both
//! name the issue that they are about.

use super::issue;
use crate::facts::{Actor, AgentSession, Comment, Notification, Project};
use crate::outline::{Outline, words};
use crate::{people, strict};
use triggerhouse_sdk::prelude::*;

/// `AppUserNotification`. The action is the notification's type.
pub fn notification(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/notification")?;
    let name = issue_of(&entity, outline)?;
    actor(&entity, "/actor", outline)?;
    if outline.facts.project.is_none() {
        outline.facts.project = project_of(&entity)?;
    }
    comment_of(&entity, outline)?;
    let document = entity.name("/document/title");
    let project = outline.facts.project.as_ref();
    let about = name
        .map(|name| name.after(":"))
        .or_else(|| Some(format!(": {}", document.as_ref()?)))
        .or_else(|| Some(format!(": {}", project?.name.as_ref()?)))
        .unwrap_or_default();
    outline.url = outline.url.take().or_else(|| project?.url.clone());
    let verb = words(&outline.facts.action);
    outline.headline = format!("Notification ({verb}){about}");
    outline.facts.notification = Some(Notification {
        id: entity.name("/id"),
        kind: entity.name("/type"),
        reaction: entity.name("/reactionEmoji"),
        document,
    });
    Ok(())
}

/// `AgentSessionEvent`: a mention or delegation `created` the session, or a text to the agent
/// `prompted` it.
pub fn session(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/agentSession")?;
    let name = issue_of(&entity, outline)?;
    outline.facts.creator = people::person(&entity, "/creator")?;
    let activity = payload.object_opt("/agentActivity")?;
    match &activity {
        Some(activity) => actor(activity, "/user", outline)?,
        None => actor(&entity, "/creator", outline)?,
    }
    comment_of(&entity, outline)?;
    let text = |pointer| {
        activity
            .as_ref()
            .and_then(|activity| activity.name(pointer))
    };
    let prompt = activity.as_ref().and_then(|activity| {
        activity
            .prose("/content/body")
            .or_else(|| activity.prose("/body"))
    });
    let verb = outline.facts.verb();
    let on = name.map(|name| name.after(" on")).unwrap_or_default();
    outline.headline = format!("Agent session {verb}{on}");
    outline.url = entity.link("/url").or(outline.url.take());
    outline.facts.agent_session = Some(AgentSession {
        id: entity.name("/id"),
        status: entity.name("/status"),
        url: entity.link("/url"),
        summary: entity.prose("/summary"),
        activity_id: text("/id"),
        activity_type: text("/content/type"),
        prompt,
        prompt_context: payload.prose("/promptContext"),
        signal: text("/signal"),
    });
    Ok(())
}

fn issue_of(entity: &Payload<'_>, outline: &mut Outline) -> Result<Option<issue::Name>, ReadError> {
    let issue = entity.object_opt("/issue")?;
    issue
        .map(|issue| issue::describe(&issue, outline))
        .transpose()
}

/// These payloads have no `actor` of their own.
fn actor(entity: &Payload<'_>, pointer: &str, outline: &mut Outline) -> Result<(), ReadError> {
    if outline.facts.actor.is_none() {
        outline.facts.actor = people::person(entity, pointer)?.map(Actor::from);
    }
    Ok(())
}

fn project_of(entity: &Payload<'_>) -> Result<Option<Project>, ReadError> {
    if let Some(project) = strict::project(entity)? {
        return Ok(Some(project));
    }
    for pointer in ["/projectUpdate", "/document"] {
        if let Some(owner) = entity.object_opt(pointer)? {
            let project = strict::project(&owner)?;
            if project.is_some() {
                return Ok(project);
            }
        }
    }
    Ok(None)
}

fn comment_of(entity: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let Some(comment) = entity.object_opt("/comment")? else {
        return Ok(());
    };
    if outline.facts.creator.is_none() {
        outline.facts.creator = people::person(&comment, "/user")?;
    }
    outline.facts.comment = Some(Comment {
        id: comment.name("/id"),
        body: comment.prose("/body"),
        parent_id: entity.name("/parentCommentId"),
        ..Comment::default()
    });
    Ok(())
}
