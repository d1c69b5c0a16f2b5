//! The description for the host.

use super::*;
use triggerhouse_sdk::contract::description::{StandardWebhooksKey, StandardWebhooksScheme};
use triggerhouse_sdk::provider_info;

#[test]
fn the_provider_runs_from_its_description_to_a_verdict() {
    let info = provider_info::<PostHog>();
    assert_eq!(
        (info.id.as_str(), info.name.as_str()),
        ("posthog", "PostHog")
    );
    assert!(info.webhook.is_some() && info.polling.is_none());
    let event = parse(&body("destination", 0));
    accepts(&event, serde_json::json!({"events": ["$pageview"]}));
}

#[test]
fn a_signature_is_tried_first_and_a_token_in_the_url_last() {
    let source = PostHog::webhook().unwrap();
    let [first, tokens @ ..] = &source.verification[..] else {
        panic!("alternatives expected")
    };
    let signature = StandardWebhooksScheme {
        prefix: "webhook".into(),
        key: StandardWebhooksKey::Base64,
        tolerance_seconds: 300,
    };
    assert_eq!(*first, VerificationScheme::StandardWebhooks(signature));
    let tokens: Vec<(Locator, &str)> = tokens
        .iter()
        .map(|scheme| match scheme {
            VerificationScheme::Token(token) => (token.at.clone(), token.prefix.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    let header = |name: &str| Locator::Header(name.into());
    assert_eq!(
        tokens,
        [
            (header("authorization"), "Bearer "),
            (header("x-webhook-secret"), ""),
            (header("x-posthog-token"), ""),
            (Locator::Query("token".into()), ""),
        ]
    );
    assert_eq!(source.delivery_id, [header("webhook-id")]);
    assert!(source.account.is_empty() && source.handshakes.is_empty());
}

#[test]
fn every_field_of_the_schema_is_described_and_none_is_required() {
    let info = provider_info::<PostHog>();
    let schema: Value = serde_json::from_str(&info.config_schema).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    assert!(schema.get("required").is_none());
    let condition = &schema["$defs"]["Condition"];
    assert_eq!(condition["additionalProperties"], false);
    assert_eq!(condition["required"], serde_json::json!(["key"]));
    for object in [&schema, condition] {
        for (field, property) in object["properties"].as_object().unwrap() {
            assert!(property["description"].is_string(), "{field}");
        }
    }
}
