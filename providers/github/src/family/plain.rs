//! The many small events, each a row of one table. The same code reads the events that
//! GitHub adds later.

use crate::facts::Subject;
use crate::outline::Outline;
use serde_json::Value;
use triggerhouse_sdk::prelude::*;

/// The parts of one event's title.
struct Row {
    event: &'static str,
    noun: &'static str,
    /// The pointer to the thing that the event is about.
    entity: &'static str,
    /// Pointers to its name, from the root. If empty, [`NAMES`] apply within the thing.
    names: &'static [&'static str],
    /// The verb of an event without an action.
    verb: &'static str,
}

const fn row(event: &'static str, noun: &'static str, entity: &'static str) -> Row {
    Row {
        event,
        noun,
        entity,
        names: &[],
        verb: "",
    }
}

impl Row {
    const fn named(self, names: &'static [&'static str]) -> Self {
        Self { names, ..self }
    }
    const fn verb(self, verb: &'static str) -> Self {
        Self { verb, ..self }
    }
}

/// Pointers to the name of a thing. Never a `key` or a `token`.
const NAMES: &[&str] = &[
    "/title",
    "/full_name",
    "/name",
    "/login",
    "/slug",
    "/display_name",
    "/summary",
];

/// The events, in alphabetical order.
const ROWS: &[Row] = &[
    row("branch_protection_configuration", "Branch protection", ""),
    row("branch_protection_rule", "Branch protection rule", "/rule"),
    row("custom_property", "Custom property", "/definition").named(&["/definition/property_name"]),
    row("custom_property_values", "Custom property values", ""),
    row("deploy_key", "Deploy key", "/key"),
    row("fork", "Repository", "/forkee").verb("forked"),
    row("github_app_authorization", "App authorization", "").named(&["/sender/login"]),
    row("gollum", "Wiki", "/pages/0").verb("updated"),
    row("label", "Label", "/label"),
    row(
        "marketplace_purchase",
        "Marketplace purchase",
        "/marketplace_purchase",
    )
    .named(&["/marketplace_purchase/account/login"]),
    row("member", "Collaborator", "/member"),
    row("membership", "Team member", "/member"),
    row("meta", "Webhook", "/hook").named(&["/hook_id"]),
    row("milestone", "Milestone", "/milestone"),
    row("org_block", "User", "/blocked_user"),
    row("organization", "Organization", "/membership").named(&[
        "/membership/user/login",
        "/user/login",
        "/invitation/login",
        "/organization/login",
    ]),
    row("package", "Package", "/package"),
    row("page_build", "Pages build", "/build")
        .verb("finished")
        .named(&["/build/status"]),
    row(
        "personal_access_token_request",
        "Token request",
        "/personal_access_token_request",
    )
    .named(&["/personal_access_token_request/owner/login"]),
    row("ping", "Ping", "/hook")
        .verb("from webhook")
        .named(&["/hook_id"]),
    row("project", "Project", "/project"),
    row("project_card", "Project card", "/project_card").named(&["/project_card/note"]),
    row("project_column", "Project column", "/project_column"),
    row("projects_v2", "Project", "/projects_v2"),
    row("projects_v2_item", "Project item", "/projects_v2_item")
        .named(&["/projects_v2_item/content_type"]),
    row(
        "projects_v2_status_update",
        "Project status",
        "/projects_v2_status_update",
    )
    .named(&["/projects_v2_status_update/status"]),
    row("public", "Repository", "").verb("made public"),
    row("registry_package", "Package", "/registry_package"),
    row("repository", "Repository", "/repository"),
    row("repository_import", "Repository import", "")
        .verb("ended")
        .named(&["/status"]),
    row("repository_ruleset", "Ruleset", "/repository_ruleset"),
    row("secret_scanning_scan", "Secret scan", "").named(&["/type"]),
    row("security_and_analysis", "Security settings", "").verb("changed"),
    row("sponsorship", "Sponsorship", "/sponsorship").named(&["/sponsorship/sponsor/login"]),
    row("star", "Star", "").named(&["/sender/login"]),
    row("team", "Team", "/team"),
    row("team_add", "Team", "/team").verb("added to the repository"),
    row("watch", "Watching", "").named(&["/sender/login"]),
];

/// Reads every event without a reader of its own.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let event = outline.facts.event.clone();
    let known = ROWS.iter().find(|row| row.event == event);
    let noun = known.map_or_else(
        || capitalized(&event.replace('_', " ")),
        |row| row.noun.to_owned(),
    );
    let entity = match known {
        Some(row) => payload
            .value_at(row.entity)
            .filter(|_| !row.entity.is_empty()),
        None => unknown_entity(payload, &event),
    };
    let subject = subject(
        payload,
        noun,
        entity,
        known.map_or(&[][..], |row| row.names),
    );
    let verb = match known.map_or("", |row| row.verb) {
        "" => outline.facts.verb(),
        verb => verb.to_owned(),
    };
    let name = tail(": ", subject.name.as_deref());
    outline.headline = format!("{} {verb}{name}", subject.kind)
        .trim_end()
        .to_owned();
    outline.headline = outline.headline.replace(" : ", ": ");
    outline.url.clone_from(&subject.url);
    outline.occurred_at = moment(payload, entity, outline);
    outline.facts.subject = Some(subject);
    Ok(())
}

fn subject(payload: &Payload<'_>, kind: String, entity: Option<&Value>, names: &[&str]) -> Subject {
    // A webhook has an id instead of a name.
    let name = names.iter().find_map(|name| payload.ident(name));
    let Some(entity) = entity.map(Payload::new) else {
        return Subject {
            kind,
            name,
            ..Subject::default()
        };
    };
    let usual = if names.is_empty() { NAMES } else { &[] };
    let name = name.or_else(|| usual.iter().find_map(|name| entity.name(name)));
    Subject {
        kind,
        id: entity.ident("/id"),
        number: entity.number("/number"),
        name,
        url: entity.link("/html_url"),
        state: entity.name("/state").or_else(|| entity.name("/status")),
        description: entity.prose("/description"),
    }
}

/// The thing of a new event: most likely the object under the event's name.
fn unknown_entity<'a>(payload: &Payload<'a>, event: &str) -> Option<&'a Value> {
    let object = payload.value().as_object()?;
    let common = [
        "repository",
        "organization",
        "enterprise",
        "sender",
        "installation",
        "changes",
    ];
    let by_name = object.get(event).filter(|value| value.is_object());
    by_name.or_else(|| {
        let mut others = object
            .iter()
            .filter(|(key, _)| !common.contains(&key.as_str()));
        others
            .find(|(_, value)| value.is_object())
            .map(|(_, value)| value)
    })
}

fn moment(payload: &Payload<'_>, entity: Option<&Value>, outline: &Outline) -> Option<u64> {
    if let Some(time) = payload.moment(&["/starred_at", "/completed_at"]) {
        return Some(time);
    }
    let entity = Payload::new(entity?);
    match outline.facts.action.as_deref() {
        // A thing that left or joined carries no time of that.
        Some("deleted" | "removed" | "added" | "started" | "blocked" | "unblocked") => None,
        Some("created" | "published" | "opened") => entity.moment(&["/created_at"]),
        Some("closed") => entity.moment(&["/closed_at", "/updated_at"]),
        _ if outline.facts.event == "ping" => None,
        _ => entity.moment(&["/updated_at", "/created_at"]),
    }
}
