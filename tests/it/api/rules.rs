//! Rules of every route: keys, problems, limits, pages.

use super::{pointers, problem, refused};
use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};
use triggerhouse_tests::{TestApp, on_both};

/// Every operation that needs a key: its method, its path, and true if it has a body.
pub(super) async fn operations(app: &TestApp) -> Vec<(Method, String, bool)> {
    let url = format!("{}/openapi.json", app.url);
    let document: Value = app
        .http
        .get(url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation.get("security").is_some() {
                let method = method.to_uppercase().parse().unwrap();
                let has_body = operation.get("requestBody").is_some();
                operations.push((method, path.clone(), has_body));
            }
        }
    }
    assert!(operations.len() > 25, "{operations:?}");
    operations
}

on_both! {
    async fn every_route_below_v1_needs_a_key(db: &TestDb) {
        let app = TestApp::start(db).await;
        for (method, path, _) in operations(&app).await {
            for header in [None, Some("Bearer th_nobody"), Some("Basic eDp5"), Some("Bearer")] {
                // Without a key, neither the body nor the id is read.
                let url = format!("{}{}", app.url, path.replace("{id}", "nonsense"));
                let mut request = app.http.request(method.clone(), url).body("no json");
                if let Some(header) = header {
                    request = request.header("authorization", header);
                }
                let response = request.send().await.unwrap();
                let challenge = response.headers()["www-authenticate"].to_str().unwrap();
                assert!(challenge.starts_with("Bearer realm="), "{method} {path}: {challenge}");
                problem(response, StatusCode::UNAUTHORIZED).await;
            }
        }
        app.stop().await;
    }

    async fn an_unknown_route_or_method_is_a_problem(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        for path in ["/", "/v1", "/v1/nothing", "/v1/events/evt_1/nothing", "/providers/"] {
            let response = app.call("acme", Method::GET, path, None).await;
            problem(response, StatusCode::NOT_FOUND).await;
        }
        let response = app.call("acme", Method::PUT, "/v1/automations", None).await;
        let allow = response.headers()["allow"].to_str().unwrap().to_owned();
        assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
        problem(response, StatusCode::METHOD_NOT_ALLOWED).await;
        for id in ["nonsense", "evt_1", "aut_0192f5c0a1b27c3d8e4f5a6b7c8d9e0f", "%00", "%ff"] {
            let path = format!("/v1/automations/{id}");
            let response = app.call("acme", Method::GET, &path, None).await;
            problem(response, StatusCode::NOT_FOUND).await;
        }
        app.stop().await;
    }

    async fn an_unreadable_body_is_refused_with_a_pointer(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let path = "/v1/automations";
        for (body, pointer) in [
            (json!({"name": 7}), "/name"),
            (json!({"name": "x", "enabled": "yes"}), "/enabled"),
            (json!({"name": "x", "nmae": "x"}), "/nmae"),
            (json!({}), ""),
            (json!([]), ""),
            (json!(null), ""),
        ] {
            let problem = refused(&mut app, Method::POST, path, body.clone(), StatusCode::BAD_REQUEST).await;
            assert_eq!(pointers(&problem), [pointer], "{body}: {problem}");
        }
        let key = app.key("acme").await;
        let post = |text: &'static str, kind: &'static str| {
            let request = app.http.post(format!("{}{path}", app.url)).bearer_auth(&key);
            request.header("content-type", kind).body(text).send()
        };
        for text in ["", "{", "{\"name\": \"x\"} {}", "name=x", "\u{feff}{}"] {
            problem(post(text, "application/json").await.unwrap(), StatusCode::BAD_REQUEST).await;
        }
        let typed = post("{}", "text/plain").await.unwrap();
        problem(typed, StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
        assert!(app.all("acme", path).await.is_empty());
        app.stop().await;
    }

    async fn a_body_over_the_limit_is_refused(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let body = json!({"name": "x".repeat(1 << 20)});
        let response = app.call("acme", Method::POST, "/v1/automations", Some(body)).await;
        problem(response, StatusCode::PAYLOAD_TOO_LARGE).await;
        app.stop().await;
    }

    async fn a_list_has_pages_and_refuses_wrong_parameters(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        for number in 0..7 {
            app.post("acme", "/v1/automations", json!({"name": format!("a{number}")})).await;
        }
        let first = app.get("acme", "/v1/automations?limit=3").await;
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = app.get("acme", &format!("/v1/automations?limit=3&cursor={cursor}")).await;
        let cursor = second["next_cursor"].as_str().unwrap();
        let last = app.get("acme", &format!("/v1/automations?limit=3&cursor={cursor}")).await;
        assert!(last["next_cursor"].is_null());
        let names: Vec<&str> = [&first, &second, &last]
            .iter()
            .flat_map(|page| page["items"].as_array().unwrap())
            .map(|item| item["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["a6", "a5", "a4", "a3", "a2", "a1", "a0"]);

        for (query, expected) in [
            ("automations?limit=0", "from 1 to 100"),
            ("automations?limit=101", "from 1 to 100"),
            ("automations?cursor=x", "next_cursor"),
            ("automations?status=x", "unknown field"),
            ("events?status=finished", "queued"),
            ("events?since=yesterday", "RFC 3339"),
            ("events?trigger_id=evt_1", "trg_"),
            ("events?kind=%00", "without NUL"),
            ("runs?status=finished", "needs_human"),
            ("inbox?status=finished", "discarded"),
        ] {
            let response = app.call("acme", Method::GET, &format!("/v1/{query}"), None).await;
            let problem = problem(response, StatusCode::BAD_REQUEST).await;
            assert!(problem["detail"].as_str().unwrap().contains(expected), "{query}: {problem}");
        }
        app.stop().await;
    }

    async fn health_and_providers_need_no_key(db: &TestDb) {
        let mut app = TestApp::start(db).await;
        let key = app.key("acme").await;
        let url = Url::parse(&app.url).unwrap();
        let public = async |path: &str| {
            let response = app.http.get(url.join(path).unwrap()).send().await.unwrap();
            (response.status(), response.json::<Value>().await.unwrap())
        };
        let ok = StatusCode::OK;
        assert_eq!(public("/health").await, (ok, json!({"status": "ok"})));
        assert_eq!(public("/livez").await, (ok, json!({"status": "ok"})));
        let (status, ready) = public("/readyz").await;
        assert_eq!((status, &ready["database"]), (ok, &json!("ok")));
        let (_, providers) = public("/providers").await;
        let github = &providers["providers"]["github"];
        assert_eq!(github["state"], "active");
        assert!(github["config_schema"].is_object() && github["webhook"].is_object());
        assert_eq!(public("/providers/github").await, (ok, github.clone()));
        for id in ["nobody", "%ff", "%00"] {
            assert_eq!(public(&format!("/providers/{id}")).await.0, StatusCode::NOT_FOUND);
        }
        assert!(!providers.to_string().contains("echo-app-secret"));

        app.app.store.close().await;
        let (status, ready) = public("/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(ready["database"], "unavailable");
        assert_eq!(public("/livez").await.0, ok);
        let with_key = app.http.get(url.join("/v1/events").unwrap()).bearer_auth(&key);
        let response = with_key.send().await.unwrap();
        assert_eq!(response.headers()["retry-after"], "1");
        problem(response, StatusCode::SERVICE_UNAVAILABLE).await;
        app.stop().await;
    }
}
