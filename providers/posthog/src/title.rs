//! The parts of an event that people read: scope, headline, link and actor.

use crate::facts::{Facts, Format, Found, Project};
use triggerhouse_sdk::{capitalized, shorten, tail};

/// Bytes of a customer's text in a title, which has more to say than one property.
const DETAIL_BYTES_MAX: usize = 200;

/// The start of the names of error tracking's events.
const ISSUE: &str = "$error_tracking_issue_";

/// The starts of names of events about PostHog's own things, each with the property that names
/// the thing. The `distinct_id` of such an event is an issue or a team and no person.
const NOTIFICATIONS: &[(&str, &str)] = &[
    (ISSUE, "name"),
    ("$insight_alert_", "alert_name"),
    ("$logs_alert_", "alert_name"),
    ("$billing_alert_", "alert_name"),
    ("$replay_vision_alert_", "alert_name"),
    ("$activity_log_entry_", "/detail/name"),
    ("$discussion_mention_", "comment_content"),
    ("$health_check_issue_", "title"),
    ("$batch_export_", "batch_export_name"),
    ("$experiment_metric_", "experiment_name"),
    ("$feature_flag_stale", "flag_key"),
    ("$early_access_feature_", "/next/name"),
];

/// The most telling properties of PostHog's own events.
const DETAILS: &[(&str, &str)] = &[
    ("$pageview", "$current_url"),
    ("$pageleave", "$current_url"),
    ("$screen", "$screen_name"),
    ("$autocapture", "$el_text"),
    ("$exception", "/$exception_values/0"),
    ("survey sent", "$survey_name"),
];

/// Properties with a link to the subject of an alert.
const LINKS: &[&str] = &[
    "alert_url",
    "insight_url",
    "logs_url",
    "item_url",
    "$current_url",
];

/// The project's name or id.
pub fn scope(facts: &Facts) -> Option<String> {
    match facts.project.as_ref()? {
        Project {
            name: Some(name), ..
        } => Some(name.clone()),
        Project { id: Some(id), .. } => Some(format!("project {id}")),
        _ => None,
    }
}

/// `$pageview by Ada Lovelace: https://example.com/pricing`.
pub fn headline(facts: &Facts) -> String {
    let (headline, detail) = match facts.format {
        Format::Message => ("Action performed".to_owned(), facts.text.clone()),
        Format::Alert => (words(&facts.event), text(facts, "alert_name")),
        Format::Custom => ("Custom body received".to_owned(), None),
        Format::Event | Format::RestHook => told(facts),
    };
    let detail = detail.map(|detail| shorten(&detail, DETAIL_BYTES_MAX));
    format!("{headline}{}", tail(": ", detail))
}

/// An event's headline, and its most telling property.
fn told(facts: &Facts) -> (String, Option<String>) {
    if let Some(name) = notification(facts) {
        let name = text(facts, name);
        // An issue is named after its exception's type; the message says more.
        let said = text(facts, "description").filter(|_| facts.event.starts_with(ISSUE));
        let detail: Vec<String> = name.into_iter().chain(said).collect();
        let detail = (!detail.is_empty()).then(|| detail.join(": "));
        return (words(&facts.event), detail);
    }
    let by = actor(facts).map(|actor| shorten(actor, DETAIL_BYTES_MAX));
    let detail = DETAILS.iter().find(|(event, _)| *event == facts.event);
    let detail = detail.and_then(|(_, key)| text(facts, key));
    // A URL's query may be a secret of the visitor.
    let detail = detail.map(|detail| match detail.find(['?', '#']) {
        Some(end) if detail.contains("://") => detail[..end].to_owned(),
        _ => detail,
    });
    (format!("{}{}", facts.event, tail(" by ", by)), detail)
}

/// The event's page, or the page of its subject.
pub fn link(facts: &Facts) -> Option<String> {
    let opens = |link: &String| link.starts_with("https://") || link.starts_with("http://");
    let about = || LINKS.iter().find_map(|key| text(facts, key).filter(opens));
    facts
        .url
        .clone()
        .or_else(|| issue_link(facts))
        .or_else(about)
}

/// The page of an issue of error tracking. Its events lack the link, and have the issue's id in
/// the place of a person's.
fn issue_link(facts: &Facts) -> Option<String> {
    if !facts.event.starts_with(ISSUE) {
        return None;
    }
    let project = facts.project.as_ref()?.url.as_deref()?;
    let issue = facts.distinct_id.as_deref()?;
    let is_id = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    let project = project.trim_end_matches('/');
    issue
        .bytes()
        .all(is_id)
        .then(|| format!("{project}/error_tracking/{issue}"))
}

/// The person's name or address, or else the distinct id.
pub fn actor(facts: &Facts) -> Option<&str> {
    let person = facts.person.as_ref();
    let named = person.and_then(|person| person.name.as_deref().or(person.email.as_deref()));
    let distinct_id = facts.distinct_id.as_deref();
    named.or_else(|| distinct_id.filter(|_| notification(facts).is_none()))
}

fn notification(facts: &Facts) -> Option<&'static str> {
    let mut known = NOTIFICATIONS.iter();
    let (_, name) = known.find(|(start, _)| facts.event.starts_with(start))?;
    Some(name)
}

/// `$error_tracking_issue_created` is `Error tracking issue created`.
fn words(name: &str) -> String {
    let text = name.trim_start_matches('$').replace(['_', '.'], " ");
    match text.trim() {
        "" => name.to_owned(),
        text => capitalized(text),
    }
}

fn text(facts: &Facts, key: &str) -> Option<String> {
    match facts.property(key) {
        Found::Value(value) => value
            .as_str()
            .filter(|text| !text.trim().is_empty())
            .map(str::to_owned),
        Found::Missing | Found::Omitted | Found::Unknown => None,
    }
}
