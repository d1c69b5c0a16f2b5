use super::*;
use triggerhouse_tests::Kind;

/// Set in the child process whose log is read.
const CHILD: &str = "TRIGGERHOUSE_TEST_CREDENTIALS_LOG";

/// Runs itself as a child process, because a process has one log.
#[tokio::test]
async fn the_most_verbose_log_contains_no_secret() {
    if std::env::var_os(CHILD).is_some() {
        return logging().await;
    }
    let name = "credentials::log::the_most_verbose_log_contains_no_secret";
    let output = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, "1")
        .output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    for expected in [
        "an access token was renewed",
        "an access token was not renewed",
        "TRACE",
    ] {
        assert!(
            text.contains(expected),
            "the log lacks {expected:?}: is it one?"
        );
    }
    // The client secret and the refresh token in the form of a header.
    for secret in ["hush", "aHVzaA", "dGhlLWNsaWVudDp"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

async fn logging() {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_env_filter("trace")
        .init();
    let db = TestDb::create(Kind::Sqlite).await;
    let issuer = Issuer::start(|seen| match seen.number {
        1 => answer(
            401,
            json!({"error": "invalid_client", "error_description": "hush-client-secret"}),
        ),
        2 => tokens(seen, 60),
        3 => answer(
            400,
            json!({"error": "invalid_grant", "error_description": "hush-refresh-0"}),
        ),
        4 => answer(200, json!({"credentials": {"apiKey": "hush-access"}})),
        5 => answer(401, json!({"error": {"code": "hush-nango-key"}})),
        _ => "hush <html>".into_response(),
    })
    .await;
    let rig = Rig::oauth(&db, &issuer).await;
    let credentials = rig.replica(&db).await;
    let access = rig.access(&credentials, Want::Any, NOW).await.unwrap();
    println!("{access:?}");
    needs_reauth(rig.access(&credentials, Want::Any, later(60)).await);
    let nango = Credential::Nango {
        provider_config_key: "mail".into(),
    };
    rig.set(nango, NOW).await;
    let access = rig.access(&credentials, Want::Any, NOW).await.unwrap();
    unavailable(
        rig.access(&credentials, Want::NewerThan(access.stamp), NOW)
            .await,
    );
    unavailable(
        rig.access(&credentials, Want::NewerThan(access.stamp), NOW)
            .await,
    );
    println!("{credentials:?} {:?}", rig.config);
    db.remove().await;
}
