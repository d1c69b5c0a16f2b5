//! `metric_alert`: a measured value crossed a threshold.

use super::strict;
use crate::facts::{MetricAlert, Project};
use crate::outline::Outline;
use crate::place;
use triggerhouse_sdk::prelude::*;

/// Projects kept in the facts. A rule can watch all projects of an organization.
const PROJECTS_MAX: usize = 1_000;

/// Reads an incident and its rule.
pub fn read(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/data/metric_alert")?;
    let facts = &mut outline.facts;
    let rule = entity.short_text_opt("/alert_rule/name")?;
    facts.environment = entity.short_text_opt("/alert_rule/environment")?;
    let mut projects = strict::names(&entity, "/projects", PROJECTS_MAX)?;
    if projects.is_empty() {
        projects = strict::names(&entity, "/alert_rule/projects", PROJECTS_MAX)?;
    }
    if let [slug] = &projects[..] {
        facts.project = Some(Project {
            slug: Some(slug.clone()),
            ..Project::default()
        });
    }
    facts.organization = payload
        .raw("/data/web_url")
        .and_then(place::organization_of)
        .map(str::to_owned);
    let alert = MetricAlert {
        id: entity.ident("/id"),
        title: entity.name("/title"),
        description: payload.prose("/data/description_text"),
        url: payload.link("/data/web_url"),
        projects,
        rule_id: entity.ident("/alert_rule/id"),
        aggregate: entity.name("/alert_rule/aggregate"),
        query: entity.name("/alert_rule/query"),
        dataset: entity.name("/alert_rule/dataset"),
        time_window_minutes: entity.number("/alert_rule/time_window"),
        started_at: entity.name("/date_started"),
        closed_at: entity.name("/date_closed"),
    };
    let name = rule.as_deref().or(alert.title.as_deref());
    let verb = outline.facts.verb();
    outline.headline = format!("Metric alert {verb}: {}", name.unwrap_or("(no name)"));
    outline.url.clone_from(&alert.url);
    outline.occurred_at = if outline.facts.is("resolved") {
        entity.moment(&["/date_closed"])
    } else {
        entity.moment(&["/date_detected", "/date_started"])
    };
    outline.facts.rules = rule.into_iter().collect();
    outline.facts.metric_alert = Some(alert);
    Ok(())
}
