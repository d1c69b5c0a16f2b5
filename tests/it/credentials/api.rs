use super::*;
use reqwest::Method;
use triggerhouse_tests::app::text;
use triggerhouse_tests::{Kind, TestApp, on_both};

const SETTINGS: &str =
    "[credentials]\nallow_hosts = ['127.0.0.1:9000']\n[nango]\nsecret_key = 'hush-nango-key'";

fn oauth() -> Value {
    json!({"type": "oauth_refresh", "token_url": "https://login.example.com/token", "client_id": "the-client",
        "client_secret": "hush-client-secret", "refresh_token": "hush-refresh-0", "scope": "read write"})
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

async fn created(app: &mut TestApp, credential: Value) -> (String, Value) {
    let body = json!({"provider": "echo", "credential": credential});
    let integration = app.post("acme", "/v1/integrations", body).await["integration"].take();
    (
        format!("/v1/integrations/{}", text(&integration["id"])),
        integration,
    )
}

/// Sends an invalid body. Returns the status, each pointer with its message, and the body.
async fn refused(
    app: &mut TestApp,
    method: Method,
    path: &str,
    body: Value,
) -> (u16, Vec<(String, String)>, String) {
    let response = app.call("acme", method, path, Some(body)).await;
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    let errors = body["errors"]
        .as_array()
        .unwrap_or_else(|| panic!("{body}"));
    let errors = errors
        .iter()
        .map(|error| (text(&error["pointer"]), text(&error["message"])));
    (status, errors.collect(), body.to_string())
}

async fn changed(app: &mut TestApp, path: &str, body: Value) -> Value {
    let response = app.call("acme", Method::PATCH, path, Some(body)).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

on_both! {
    async fn a_credential_is_write_only_and_answers_show_its_type(db: &TestDb) {
        let mut app = TestApp::start_with(db, SETTINGS).await;
        let mut answers = Vec::new();
        for (credential, expected) in [
            (json!(null), json!(null)),
            (json!({"type": "token", "token": "hush-token"}), json!("token")),
            (oauth(), json!("oauth_refresh")),
            (with(oauth(), "token_url", json!("http://127.0.0.1:9000/token?a=b")), json!("oauth_refresh")),
        ] {
            let (path, integration) = created(&mut app, credential.clone()).await;
            assert_eq!(integration["credential_type"], expected);
            assert_eq!(integration["has_secret"], false);
            assert_eq!(app.get("acme", &path).await["credential_type"], expected);
            answers.push(integration);

            let to_token = json!({"credential": {"type": "token", "token": "hush-other"}});
            assert_eq!(changed(&mut app, &path, to_token).await["credential_type"], "token");
            assert_eq!(changed(&mut app, &path, json!({"name": "n"})).await["credential_type"], "token");
            let back = changed(&mut app, &path, json!({"credential": credential})).await;
            assert_eq!(back["credential_type"], expected);
            answers.push(back);
        }
        let (path, _) = created(&mut app, oauth()).await;
        let removed = changed(&mut app, &path, json!({"credential": null})).await;
        assert_eq!(removed["credential_type"], json!(null));
        answers.push(app.get("acme", "/v1/integrations").await);
        for answer in answers {
            assert!(!answer.to_string().contains("hush"), "{answer}");
        }
        app.stop().await;
    }

    async fn nango_needs_a_connection_and_the_operators_key(db: &TestDb) {
        let mut app = TestApp::start_with(db, SETTINGS).await;
        let nango = json!({"provider": "echo", "connection_id": "c-9", "credential": {"type": "nango"}});
        let made = app.post("acme", "/v1/integrations", nango.clone()).await;
        assert_eq!(made["integration"]["credential_type"], "nango");
        let lone = json!({"provider": "echo", "credential": {"type": "nango", "provider_config_key": "mail"}});
        let (status, errors, _) = refused(&mut app, Method::POST, "/v1/integrations", lone.clone()).await;
        assert_eq!((status, &*errors[0].0), (422, "/connection_id"));
        let (path, _) = created(&mut app, json!(null)).await;
        let (status, errors, _) = refused(&mut app, Method::PATCH, &path, json!({"credential": {"type": "nango"}})).await;
        assert_eq!((status, &*errors[0].0), (422, "/connection_id"));
        let both = json!({"credential": {"type": "nango"}, "connection_id": "c-10"});
        assert_eq!(changed(&mut app, &path, both).await["credential_type"], "nango");
        app.stop().await;

        let mut app = TestApp::start(db).await;
        let other = with(nango, "connection_id", json!("c-11"));
        let (status, errors, _) = refused(&mut app, Method::POST, "/v1/integrations", other).await;
        assert_eq!(status, 422);
        let message = "is not available: the operator has not set nango.secret_key".to_owned();
        assert_eq!(errors, [("/credential/type".to_owned(), message)]);
        app.stop().await;
    }

    async fn errors_point_at_a_credentials_fields_and_never_repeat_values(db: &TestDb) {
        let mut app = TestApp::start_with(db, SETTINGS).await;
        let (path, _) = created(&mut app, oauth()).await;
        let url = |url: &str| with(oauth(), "token_url", json!(url));
        let long = "x".repeat(8_193);
        for (credential, pointers) in [
            (json!({"type": "token", "token": ""}), &["token"][..]),
            (json!({"type": "token", "token": "hush\n"}), &["token"]),
            (json!({"type": "token", "token": long}), &["token"]),
            (with(with(oauth(), "client_id", json!("")), "scope", json!("a\nb")), &["client_id", "scope"]),
            (with(oauth(), "client_secret", json!(" ")), &["client_secret"]),
            (with(oauth(), "refresh_token", json!("")), &["refresh_token"]),
            (url("login.example.com"), &["token_url"]),
            (url("http://login.example.com/token"), &["token_url"]),
            (url("https://127.0.0.1/token"), &["token_url"]),
            (url("https://127.0.0.1:9001/token"), &["token_url"]),
            (url("https://169.254.169.254/latest"), &["token_url"]),
            (url("https://[::ffff:127.0.0.1]/"), &["token_url"]),
            (url("https://hush:hush@login.example.com/"), &["token_url"]),
            (url("https://login.example.com/#hush"), &["token_url"]),
            (url("file:///etc/passwd"), &["token_url"]),
        ] {
            for method in [Method::POST, Method::PATCH] {
                let (path, body) = match method {
                    Method::POST => ("/v1/integrations", json!({"provider": "echo", "credential": credential})),
                    _ => (&*path, json!({"credential": credential})),
                };
                let (status, errors, shown) = refused(&mut app, method, path, body).await;
                let mut found: Vec<&str> = errors.iter().map(|(pointer, _)| pointer.trim_start_matches("/credential/")).collect();
                found.sort_unstable();
                assert_eq!((status, &*found), (422, pointers), "{credential}");
                assert!(!shown.contains("hush"), "{shown}");
            }
        }
        for (credential, expected) in [
            (json!("hush"), "expected an object"),
            (json!({"type": "token"}), "missing field `token`"),
            (json!({"type": "token", "token": {"hush": "hush"}}), "a string"),
            (json!({"type": "token", "token": "hush", "extra": 1}), "unknown field `extra`"),
            (json!({"type": "basic", "token": "hush"}), "unknown variant `basic`"),
            (json!({"token": "hush"}), "missing field `type`"),
        ] {
            let body = json!({"credential": credential});
            let (status, errors, shown) = refused(&mut app, Method::PATCH, &path, body).await;
            assert_eq!((status, &*errors[0].0), (400, "/credential"));
            assert!(errors[0].1.contains(expected) && !shown.contains("hush"), "{shown}");
        }
        assert_eq!(app.get("acme", &path).await["credential_type"], "oauth_refresh");
        app.stop().await;
    }

    async fn another_organization_neither_sees_nor_changes_a_credential(db: &TestDb) {
        let mut app = TestApp::start_with(db, SETTINGS).await;
        let (path, before) = created(&mut app, oauth()).await;
        for credential in [json!(null), json!({"type": "token", "token": "theirs"}), json!({"type": "nango"})] {
            let body = json!({"credential": credential, "connection_id": "c-1"});
            let response = app.call("other", Method::PATCH, &path, Some(body)).await;
            assert_eq!(response.status(), 404);
        }
        assert_eq!(app.call("other", Method::GET, &path, None).await.status(), 404);
        assert_eq!(app.get("acme", &path).await, before);
        app.stop().await;
    }

    async fn the_database_holds_no_secret_as_plain_text(db: &TestDb) {
        let issuer = Issuer::start(|_| {
            answer(200, json!({"access_token": "hush-access", "refresh_token": "hush-refresh-1", "expires_in": 60}))
        })
        .await;
        let rig = Rig::oauth(db, &issuer).await;
        let credentials = rig.replica(db).await;
        rig.access(&credentials, Want::Any, NOW).await.unwrap();
        let stored = rig.store.credential(rig.integration).await.unwrap().unwrap();
        assert!(stored.access.is_some(), "there is something to be found");
        for text in dump(db).await {
            for secret in SECRETS.iter().chain(&["hush-access", "hush-refresh-1", "hush"]) {
                let found = text.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{secret} is in the database");
            }
        }
    }
}

/// The whole database: SQLite's files, or Postgres' rows.
async fn dump(db: &TestDb) -> Vec<Vec<u8>> {
    match db.kind {
        Kind::Sqlite => {
            let files = std::fs::read_dir(db.directory.path()).unwrap();
            let files: Vec<_> = files
                .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
                .collect();
            assert!(
                files
                    .iter()
                    .any(|file| file.starts_with(b"SQLite format 3"))
            );
            files
        }
        Kind::Postgres => {
            let rows =
                "select c::text || encode(sealed, 'escape') || encode(access_sealed, 'escape')
                from credentials c union all select i::text from integrations i";
            let rows = db.texts(rows).await;
            assert_eq!(rows.len(), 2);
            rows.into_iter().map(String::into_bytes).collect()
        }
    }
}
