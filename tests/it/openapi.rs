//! `/openapi.json`, as a running host serves it.

use serde_json::Value;
use triggerhouse_tests::{Kind, TestApp, TestDb};

/// The document of a host that has every role.
async fn document() -> Value {
    let db = TestDb::create(Kind::Sqlite).await;
    let app = TestApp::start(&db).await;
    let url = format!("{}/openapi.json", app.url);
    let response = app.http.get(url).send().await.unwrap();
    let document = response.json().await.unwrap();
    app.stop().await;
    db.remove().await;
    document
}

/// Collects every `$ref` of a document.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(target) if name == "$ref" => found.push(target.to_owned()),
                    _ => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_document_is_the_reviewed_one() {
    insta::assert_json_snapshot!("document", document().await);
}

#[tokio::test]
async fn the_served_document_refers_to_nothing_that_it_lacks() {
    let document = document().await;
    assert!(document["paths"]["/webhooks/t/{token}"].is_object());
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100);
    for target in found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target}");
    }
}
