//! Polls with the integration's credential: refused, renewed, replaced; and the lock in
//! Redis beside the claim.

use super::*;
use axum::routing::post;
use axum::{Json, Router};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use triggerhouse::lock::{Acquired, Locks};
use triggerhouse_tests::{eventually, redis};

/// Starts an issuer of access tokens `access-1`, `access-2`, … and reports each; returns its
/// address and the number of issued tokens.
pub(super) async fn issuer(
    tell: impl Fn(&str) + Clone + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicU64>) {
    let issued = Arc::<AtomicU64>::default();
    let count = Arc::clone(&issued);
    let token = move |form: String| {
        let form = form_urlencoded::parse(form.as_bytes()).into_owned();
        let form: HashMap<String, String> = form.collect();
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        let token = format!("access-{number}");
        tell(&token);
        async move {
            assert_eq!(form["refresh_token"], "the-refresh-token");
            Json(json!({"access_token": token, "expires_in": 3600, "token_type": "Bearer"}))
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/token", post(token));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, issued)
}

/// A credential that the issuer accepts.
pub(super) fn grant(issuer: SocketAddr) -> Value {
    json!({"type": "oauth_refresh", "token_url": format!("http://{issuer}/token"), "client_id": "the-client",
        "client_secret": "the-secret", "refresh_token": "the-refresh-token"})
}

async fn with_credential(app: &mut TestApp, credential: Value) -> String {
    let body = json!({"provider": "gmail", "credential": credential});
    let created = app.post("acme", "/v1/integrations", body).await;
    let integration = text(&created["integration"]["id"]);
    trigger(app, &integration, json!({"poll_interval_seconds": 3600})).await;
    integration
}

async fn status(app: &mut TestApp, integration: &str) -> Value {
    app.get("acme", &format!("/v1/integrations/{integration}"))
        .await
}

async fn replace(app: &mut TestApp, integration: &str, credential: Value) {
    let path = format!("/v1/integrations/{integration}");
    let body = Some(json!({"credential": credential}));
    let changed = app.call("acme", Method::PATCH, &path, body).await;
    assert_eq!(changed.status(), StatusCode::OK);
}

on_both! {
    async fn a_refused_token_stops_polling_until_it_is_replaced_and_nothing_is_lost(db: &TestDb) {
        let gmail = GmailServer::start().await;
        gmail.with(|gmail| gmail.token = Some("good".into()));
        let mut app = start(db, &gmail).await;
        let integration = with_credential(&mut app, json!({"type": "token", "token": "good"})).await;
        polled_since(&mut app, &json!({})).await;
        gmail.receive(1, "Before");
        poll(&mut app).await;

        gmail.with(|gmail| gmail.token = Some("better".into()));
        gmail.receive(2, "During");
        let before = group(&mut app).await;
        app.post("acme", &format!("/v1/poll-groups/{}/poll-now", text(&before["id"])), json!({})).await;
        eventually("a status", async || status(&mut app, &integration).await["status"] == "needs_reauth").await;
        let refused = status(&mut app, &integration).await;
        assert!(text(&refused["status_reason"]).contains("unauthorized"), "{refused}");
        let paused = group(&mut app).await;
        assert_eq!((&paused["state"], &paused["integration_status"]), (&json!("paused"), &json!("needs_reauth")));
        assert!(text(&paused["last_error"]).contains("unauthorized"));
        assert_eq!(app.app.store.next_poll_due().await.unwrap(), None, "nobody asks any more");

        replace(&mut app, &integration, json!({"type": "token", "token": "better"})).await;
        polled_since(&mut app, &before).await;
        assert_eq!(status(&mut app, &integration).await["status"], "active");
        let titles: Vec<String> = app.all("acme", "/v1/events").await.iter().map(|event| text(&event["title"])).collect();
        assert_eq!(titles, ["During 1", "During 0", "Before 0"]);
        app.stop().await;
    }

    async fn an_access_token_that_is_refused_before_its_expiry_is_renewed_and_the_poll_goes_on(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let (issuer, issued) = issuer(|_| {}).await;
        gmail.with(|gmail| gmail.token = Some("access-1".into()));
        let more = format!("{QUICK}{}\n[credentials]\nallow_hosts = ['{issuer}']\n", gmail.provider());
        let mut app = TestApp::start_with(db, &more).await;
        let integration = with_credential(&mut app, grant(issuer)).await;
        polled_since(&mut app, &json!({})).await;
        gmail.receive(1, "Mail");
        poll(&mut app).await;
        assert_eq!(issued.load(Ordering::SeqCst), 1, "kept while it is good");

        // The service revokes the token before its expiry.
        gmail.with(|gmail| gmail.token = Some("access-2".into()));
        gmail.receive(1, "More");
        poll(&mut app).await;
        assert_eq!(issued.load(Ordering::SeqCst), 2);
        assert_eq!(app.all("acme", "/v1/events").await.len(), 2);
        // The renewed token is refused too, so the grant is at fault.
        gmail.with(|gmail| gmail.token = Some("nobody's".into()));
        let id = text(&group(&mut app).await["id"]);
        app.post("acme", &format!("/v1/poll-groups/{id}/poll-now"), json!({})).await;
        eventually("a status", async || status(&mut app, &integration).await["status"] == "needs_reauth").await;
        assert_eq!(issued.load(Ordering::SeqCst), 3);
        app.stop().await;
    }

    async fn a_provider_that_needs_a_credential_gets_one_later(db: &TestDb) {
        let gmail = GmailServer::start().await;
        gmail.with(|gmail| gmail.token = Some("good".into()));
        let mut app = start(db, &gmail).await;
        let integration = integration(&mut app).await;
        trigger(&mut app, &integration, json!({"poll_interval_seconds": 3600})).await;
        eventually("a status", async || status(&mut app, &integration).await["status"] == "needs_reauth").await;
        replace(&mut app, &integration, json!({"type": "token", "token": "good"})).await;
        polled_since(&mut app, &json!({})).await;
        app.stop().await;
    }

    async fn a_group_that_another_replica_has_locked_in_redis_is_polled_later(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let mut app = TestApp::start_with(db, "roles = ['api']").await;
        let mut groups = Vec::new();
        for _ in 0..2 {
            let integration = integration(&mut app).await;
            trigger(&mut app, &integration, json!({"poll_interval_seconds": 3600})).await;
            groups.push(text(&app.all("acme", "/v1/poll-groups").await[0]["id"]));
        }
        app.stop().await;
        let locks = Locks::new(&redis::shared()).unwrap();
        let Acquired::Held(theirs) = locks.acquire(&groups[0], Duration::from_secs(60)).await else {
            panic!("the group is new, and so is its lock");
        };
        let settings = format!("redis_url = '{}'\n{QUICK}{}", redis::shared(), gmail.provider());
        let mut app = TestApp::start_with(db, &settings).await;
        let is_polled = async |app: &mut TestApp, id: &str| {
            let group = app.get("acme", &format!("/v1/poll-groups/{id}")).await;
            group["poll_group"]["cursor_at"].is_string()
        };
        // The first group has been due for longer, so the worker has looked at it before.
        eventually("the other group", async || is_polled(&mut app, &groups[1]).await).await;
        assert_eq!(db.number("select min(epoch) from poll_groups").await, 0);
        assert_eq!(gmail.with(|gmail| gmail.calls.profile), 1);
        theirs.release().await;
        eventually("the group", async || is_polled(&mut app, &groups[0]).await).await;
        // The worker has released its own lock.
        eventually("a free lock", async || {
            match locks.acquire(&groups[0], Duration::from_secs(60)).await {
                Acquired::Held(lock) => { lock.release().await; true }
                _ => false,
            }
        }).await;
        app.stop().await;
    }

    async fn polling_goes_on_without_redis(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let closed = triggerhouse_tests::app::free_port();
        let redis = format!("redis_url = 'redis://127.0.0.1:{closed}'\n{QUICK}{}", gmail.provider());
        let mut app = TestApp::start_with(db, &redis).await;
        let integration = integration(&mut app).await;
        trigger(&mut app, &integration, json!({"poll_interval_seconds": 3600})).await;
        polled_since(&mut app, &json!({})).await;
        gmail.receive(2, "Mail");
        poll(&mut app).await;
        assert_eq!(app.all("acme", "/v1/events").await.len(), 2);
        app.stop().await;
    }

    async fn a_redis_that_never_answers_costs_one_call_and_not_one_per_group(db: &TestDb) {
        let gmail = GmailServer::start().await;
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings = format!("redis_url = 'redis://{}'\n{QUICK}{}", silent.local_addr().unwrap(), gmail.provider());
        let mut app = TestApp::start_with(db, "roles = ['api']").await;
        for _ in 0..60 {
            let integration = integration(&mut app).await;
            trigger(&mut app, &integration, json!({"poll_interval_seconds": 3600})).await;
        }
        app.stop().await;
        let app = TestApp::start_with(db, &settings).await;
        // Half of the minute that one second per group would take.
        let polled = "select count(*) from poll_groups where polled_at is not null";
        eventually("all of them", async || db.number(polled).await == 60).await;
        app.stop().await;
    }
}
