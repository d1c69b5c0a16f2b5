//! Snapshots of one event for each resource.

use super::*;

fn shown(collection: fn() -> Collection, resource: &str, index: usize) -> Value {
    show(resource, &collection()[resource][index])
}

fn show(resource: &str, payload: &Value) -> Value {
    let event = parse(resource, payload);
    let mut shown = testing::shown(&event, "seconds");
    shown["dedup_key"] = event.dedup_key.into();
    shown
}

testing::snapshots! { Sentry, shown;
    build_distribution: documented, "preprod_artifact", 2;
    comment: documented, "comment", 0;
    error: documented, "error", 0;
    installation: documented, "installation", 0;
    issue_alert: documented, "event_alert", 0;
    issue_alert_of_a_message: zulip, "event_alert", 0;
    issue_alert_of_an_occurrence: documented, "event_alert", 1;
    issue_alert_sent_as_a_test: zulip, "event_alert", 2;
    issue_assigned_to_a_team: zulip, "issue", 3;
    issue_assigned_to_a_user: zulip, "issue", 2;
    issue_created: documented, "issue", 0;
    issue_resolved_in_a_commit: documented, "issue", 4;
    legacy: zulip, "legacy", 0;
    legacy_of_an_older_client: zulip, "legacy", 1;
    metric_alert_critical: documented, "metric_alert", 0;
    metric_alert_resolved: documented, "metric_alert", 3;
    seer_coding_completed: documented, "seer", 5;
    seer_pr_created: documented, "seer", 10;
    seer_root_cause_completed: documented, "seer", 1;
    size_analysis: documented, "size_analysis", 0;
    size_analysis_failed: documented, "preprod_artifact", 1;
}

#[test]
fn an_unknown_resource() {
    let payload = serde_json::json!({
        "action": "published", "installation": {"uuid": "u"}, "actor": {"type": "user", "id": 1, "name": "Mara Lind"},
        "data": {"widget": {"id": 5, "name": "Oven", "web_url": "https://sentry.io/widgets/5", "project": {"id": "1201", "slug": "bakery-api"}}}
    });
    insta::assert_json_snapshot!(show("widget", &payload));
}

#[test]
fn every_title() {
    let all = all();
    let events = all
        .iter()
        .map(|(resource, payload)| parse(resource, payload));
    insta::assert_snapshot!(testing::titles(events));
}
