//! Security alerts and advisories. A leaked secret is never kept.

use super::strict;
use crate::facts::Alert;
use crate::outline::Outline;
use triggerhouse_sdk::prelude::*;

/// The time of an alert's last change. Older kinds have no `updated_at`.
const MOMENTS: &[&str] = &[
    "/updated_at",
    "/fixed_at",
    "/resolved_at",
    "/dismissed_at",
    "/created_at",
];

/// `code_scanning_alert`.
pub fn code_scanning(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    strict::branch(payload, "/ref", outline)?;
    let entity = payload.object("/alert")?;
    let alert = Alert {
        severity: entity
            .name("/rule/security_severity_level")
            .or_else(|| entity.name("/rule/severity")),
        summary: entity.name("/rule/description"),
        rule: entity.name("/rule/id"),
        tool: entity.name("/tool/name"),
        resolution: entity.name("/dismissed_reason"),
        ..describe(&entity)?
    };
    finish("Code scanning alert", &entity, alert, outline);
    Ok(())
}

/// `dependabot_alert`.
pub fn dependabot(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/alert")?;
    let alert = Alert {
        severity: entity
            .name("/security_vulnerability/severity")
            .or_else(|| entity.name("/security_advisory/severity")),
        summary: entity.name("/security_advisory/summary"),
        package: entity.name("/dependency/package/name"),
        ecosystem: entity.name("/dependency/package/ecosystem"),
        fixed_in: entity.name("/security_vulnerability/first_patched_version/identifier"),
        manifest: entity.name("/dependency/manifest_path"),
        ghsa_id: entity.name("/security_advisory/ghsa_id"),
        cve_id: entity.name("/security_advisory/cve_id"),
        resolution: entity.name("/dismissed_reason"),
        ..describe(&entity)?
    };
    finish("Dependabot alert", &entity, alert, outline);
    Ok(())
}

/// `repository_vulnerability_alert`: the predecessor of Dependabot alerts.
pub fn vulnerability(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/alert")?;
    let alert = Alert {
        number: entity.number("/number"),
        url: entity
            .link("/html_url")
            .or_else(|| entity.link("/external_reference")),
        state: entity.name("/state"),
        severity: entity.name("/severity"),
        summary: entity.name("/affected_package_name"),
        package: entity.name("/affected_package_name"),
        fixed_in: entity.name("/fixed_in"),
        ghsa_id: entity.name("/ghsa_id"),
        cve_id: entity.name("/external_identifier"),
        resolution: entity.name("/dismiss_reason"),
        ..Alert::default()
    };
    finish("Vulnerability alert", &entity, alert, outline);
    Ok(())
}

/// `secret_scanning_alert` and `secret_scanning_alert_location`.
pub fn secret(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let entity = payload.object("/alert")?;
    let kind = entity
        .name("/secret_type_display_name")
        .or_else(|| entity.name("/secret_type"));
    let alert = Alert {
        summary: kind,
        secret_type: entity.name("/secret_type"),
        resolution: entity.name("/resolution"),
        ..describe(&entity)?
    };
    outline.facts.assignee = payload.name("/assignee/login");
    let noun = if outline.facts.event == "secret_scanning_alert" {
        "Secret scanning alert"
    } else {
        "Location of secret scanning alert"
    };
    finish(noun, &entity, alert, outline);
    Ok(())
}

/// `security_advisory`, which belongs to no repository, and `repository_advisory`.
pub fn advisory(payload: &Payload<'_>, outline: &mut Outline) -> Result<(), ReadError> {
    let (noun, pointer) = match outline.facts.event.as_str() {
        "security_advisory" => ("Security advisory", "/security_advisory"),
        _ => ("Repository advisory", "/repository_advisory"),
    };
    let entity = payload.object(pointer)?;
    let ghsa_id = entity.short_text("/ghsa_id")?;
    let alert = Alert {
        url: entity
            .link("/html_url")
            .or_else(|| Some(format!("https://github.com/advisories/{ghsa_id}"))),
        state: entity.name("/state"),
        severity: entity.name("/severity"),
        summary: entity.name("/summary"),
        package: entity.name("/vulnerabilities/0/package/name"),
        ecosystem: entity.name("/vulnerabilities/0/package/ecosystem"),
        ghsa_id: Some(ghsa_id),
        cve_id: entity.name("/cve_id"),
        ..Alert::default()
    };
    outline.headline = format!(
        "{noun} {} ({}): {}",
        outline.facts.verb(),
        alert.severity.as_deref().unwrap_or("unknown severity"),
        alert
            .summary
            .as_deref()
            .or(alert.ghsa_id.as_deref())
            .unwrap_or_default()
    );
    outline.url.clone_from(&alert.url);
    outline.occurred_at = match outline.facts.action.as_deref() {
        Some("published") => entity.moment(&["/published_at"]),
        Some("withdrawn") => entity.moment(&["/withdrawn_at"]),
        _ => entity.moment(&["/updated_at"]),
    };
    outline.facts.alert = Some(alert);
    Ok(())
}

fn describe(alert: &Payload<'_>) -> Result<Alert, ReadError> {
    Ok(Alert {
        number: Some(alert.integer("/number")?),
        url: alert.link("/html_url"),
        state: alert.name("/state"),
        ..Alert::default()
    })
}

fn finish(noun: &str, entity: &Payload<'_>, alert: Alert, outline: &mut Outline) {
    outline.headline = format!(
        "{noun}{} {}{}: {}",
        tail(" #", alert.number.map(|number| number.to_string())),
        outline.facts.verb(),
        aside(alert.severity.as_deref()),
        alert.summary.as_deref().unwrap_or_default()
    );
    outline.url.clone_from(&alert.url);
    outline.occurred_at = match outline.facts.action.as_deref() {
        Some("created") => entity.moment(&["/created_at"]),
        _ => entity.moment(MOMENTS),
    };
    outline.facts.alert = Some(alert);
}
