//! Postgres over TLS, as hosted servers require it.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::path::PathBuf;
use triggerhouse::app::App;
use triggerhouse_tests::private_postgres::PrivatePostgres;
use triggerhouse_tests::{TestApp, TestDb, app, github};

/// A self-signed certificate for this address, and its file.
fn certificate(db: &TestDb, name: &str) -> (CertifiedKey<rcgen::KeyPair>, PathBuf) {
    let signed = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let file = db.directory.path().join(name);
    std::fs::write(&file, signed.cert.pem()).unwrap();
    (signed, file)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_that_requires_tls_connects_by_tls_or_not_at_all() {
    let server = PrivatePostgres::start().await;
    let db = TestDb::of_server(&server.url);
    let (signed, trusted) = certificate(&db, "trusted.pem");
    let (_, other) = certificate(&db, "other.pem");
    let verified = |file: &PathBuf| {
        let demand = format!("sslmode=verify-full&sslrootcert={}", file.display());
        TestDb::of_server(&format!("{}?{demand}", server.url))
    };
    let refused = async |db: &TestDb| match App::start(app::config(db, ""), |_| {}).await {
        Ok(_) => panic!("it started"),
        Err(error) => format!("{error:#}"),
    };

    let error = refused(&verified(&trusted)).await;
    assert!(error.contains("TLS"), "a server that has none: {error}");

    server
        .offer_tls(&signed.cert.pem(), &signed.signing_key.serialize_pem())
        .await;
    let error = refused(&verified(&other)).await;
    assert!(error.contains("certificate"), "somebody else's: {error}");

    let mut app = TestApp::start(&verified(&trusted)).await;
    let hook = app.hook("acme", "github", json!({})).await;
    let body = github::issue("opened", 1);
    let sent = github::delivery(&app.http, &hook.url, &hook.secret, "issues", "d", &body);
    assert_eq!(sent.send().await.unwrap().status(), 200);
    app.settled().await;
    assert_eq!(app.all("acme", "/v1/runs").await.len(), 1);
    let mut watching = PgConnection::connect(&server.url).await.unwrap();
    let (all, encrypted): (i64, i64) = sqlx::query_as(
        "select count(*), count(*) filter (where ssl) from pg_stat_activity join pg_stat_ssl using (pid)
         where application_name = 'triggerhouse'",
    )
    .fetch_one(&mut watching)
    .await
    .unwrap();
    assert!(all >= 2, "{all}: the listener for signals, and the pool");
    assert_eq!(encrypted, all);
    app.stop().await;
}
