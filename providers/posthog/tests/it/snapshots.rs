//! Snapshots of one event for each family.

use super::*;

fn shown(family: &str, index: usize) -> Value {
    let event = only_event(request(&delivery(family, index)));
    testing::shown(&event, "milliseconds")
}

testing::snapshots! { PostHog, shown;
    action_message: "action_message", 0;
    activity_log: "activity_log", 0;
    autocapture: "destination", 2;
    batch_export: "batch_export", 2;
    billing_alert: "billing_alert", 0;
    custom: "custom", 0;
    destination: "destination", 1;
    destination_flat: "destination_flat", 0;
    destination_globals: "destination_globals", 0;
    destination_test: "destination_test", 0;
    destination_without_person: "destination_without_person", 0;
    discussion_mention: "discussion_mention", 0;
    early_access_feature: "early_access_feature", 0;
    error_tracking: "error_tracking", 0;
    error_tracking_globals: "error_tracking", 6;
    exception: "destination", 3;
    experiment: "experiment", 0;
    feature_flag_stale: "feature_flag_stale", 0;
    health_check: "health_check", 0;
    insight_alert_event: "insight_alert_event", 0;
    insight_alert_webhook: "insight_alert_webhook", 0;
    logs_alert_event: "logs_alert_event", 0;
    logs_alert_webhook: "logs_alert_webhook", 0;
    pageview: "destination", 0;
    replay_vision_alert: "replay_vision_alert", 0;
    rest_hook: "rest_hook", 0;
    rest_hook_older: "rest_hook", 2;
}

#[test]
fn every_title() {
    let deliveries = fixtures().into_values().flatten();
    let events = deliveries.map(|delivery| only_event(request(&delivery)));
    insta::assert_snapshot!(testing::titles(events));
}
