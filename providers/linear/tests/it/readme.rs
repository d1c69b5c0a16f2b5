//! The README's promises.

use super::*;
use std::collections::BTreeSet;

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap()
}

fn schema_of_the_configuration() -> Value {
    let schema = triggerhouse_sdk::schema_of::<triggerhouse_provider_linear::Config>();
    serde_json::from_str(&schema).unwrap()
}

#[test]
fn every_field_of_the_configuration_is_explained() {
    let (readme, schema) = (readme(), schema_of_the_configuration());
    for field in schema["properties"].as_object().unwrap().keys() {
        assert!(readme.contains(&format!("| `{field}` |")), "{field}");
    }
}

#[test]
fn every_type_and_every_fact_is_named() {
    let (readme, mut names) = (readme(), BTreeSet::new());
    for collection in [received(), schema()] {
        for payload in collection.values().flatten() {
            let facts = serde_json::from_str(&parse(payload).facts).unwrap();
            collect_keys(&facts, &mut names);
        }
    }
    names.extend(schema().into_keys());
    for name in names {
        assert!(readme.contains(&format!("`{name}`")), "{name}");
    }
}

/// Collects the keys of facts at every depth, except Linear's own keys in `previous`.
fn collect_keys(facts: &Value, names: &mut BTreeSet<String>) {
    match facts {
        Value::Object(map) => {
            for (key, value) in map {
                names.insert(key.clone());
                if key != "previous" {
                    collect_keys(value, names);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_keys(item, names)),
        _ => {}
    }
}

#[test]
fn its_example_and_those_of_the_schema_are_valid() {
    let readme = readme();
    let (_, rest) = readme.split_once("```json").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let mut examples = vec![serde_json::from_str(example).unwrap()];
    examples.extend(
        schema_of_the_configuration()["examples"]
            .as_array()
            .unwrap()
            .clone(),
    );
    let sample = parse(&serde_json::from_str(&fixture("issue.update.json")).unwrap());
    for example in &examples {
        let verdict = verdict(&sample, example.clone());
        assert!(!matches!(verdict, Verdict::InvalidConfig(_)), "{verdict:?}");
    }
    accepts(&sample, examples[0].clone());
}
