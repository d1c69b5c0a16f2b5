use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use triggerhouse_tests::on_both;

fn at_nango() -> Option<Credential> {
    Some(Credential::Nango {
        provider_config_key: "mail & more".into(),
    })
}

/// Nango's answer for a connection whose token expires at `expires_at`.
fn connection(token: &str, expires_at: Timestamp) -> Response {
    let credentials =
        json!({"type": "OAUTH2", "access_token": token, "expires_at": expires_at, "raw": {}});
    answer(
        200,
        json!({"id": 1, "connection_id": "c-1", "credentials": credentials}),
    )
}

on_both! {
    async fn nango_is_asked_when_a_token_expires_and_to_refresh_a_refused_one(db: &TestDb) {
        let nango = Issuer::start(|seen| {
            let hours = u64::try_from(seen.number).unwrap();
            connection(&format!("hush-access-{hours}"), later(hours * 3_600))
        })
        .await;
        let rig = Rig::new(db, &nango, at_nango()).await;
        let credentials = rig.replica(db).await;
        for now in [NOW, later(3_000)] {
            let access = rig.access(&credentials, Want::Any, now).await.unwrap();
            assert_eq!(shown(&access), "hush-access-1");
        }
        assert_eq!(nango.count(), 1);
        let second = rig.access(&credentials, Want::Any, later(3_500)).await.unwrap();
        assert_eq!(shown(&second), "hush-access-2");
        let third = rig.access(&credentials, Want::NewerThan(second.stamp), later(3_500)).await.unwrap();
        assert_eq!(shown(&third), "hush-access-3");
        assert!(third.is_renewable);
        let seen = nango.seen();
        let plain = "/connections/c-1?provider_config_key=mail+%26+more";
        let targets: Vec<&str> = seen.iter().map(|seen| &*seen.target).collect();
        assert_eq!(targets, [plain, plain, &format!("{plain}&force_refresh=true")]);
        assert!(seen.iter().all(|seen| seen.method == "GET"));
        assert!(seen.iter().all(|seen| seen.authorization.as_deref() == Some("Bearer hush-nango-key")));
    }

    async fn a_key_without_an_expiry_is_requested_again_after_five_minutes(db: &TestDb) {
        let nango = Issuer::start(|seen| {
            let key = format!("key-{}", seen.number);
            answer(200, json!({"credentials": {"type": "API_KEY", "apiKey": key}}))
        })
        .await;
        let rig = Rig::new(db, &nango, at_nango()).await;
        let credentials = rig.replica(db).await;
        for (seconds, expected) in [(0, "key-1"), (250, "key-1"), (301, "key-2")] {
            let access = rig.access(&credentials, Want::Any, later(seconds)).await.unwrap();
            assert_eq!(shown(&access), expected);
        }
    }

    async fn only_a_fault_of_the_connection_needs_a_person(db: &TestDb) {
        let error = |code: &str| json!({"error": {"code": code, "message": "hush"}});
        let answers = [
            (404, error("not_found"), true),
            (424, error("invalid_credentials"), true),
            (400, error("unknown_provider_config"), true),
            (401, error("unknown_api_key"), false),
            (403, error("forbidden"), false),
            (400, error("invalid_credentials"), false),
            (404, json!("hush: another server's"), false),
            (500, error("server_error"), false),
        ];
        let script = answers.clone();
        let next = Arc::new(AtomicUsize::new(0));
        let nango = Issuer::start(move |seen| {
            if seen.target.starts_with("/connection/") {
                return answer(404, json!("hush: no such path"));
            }
            let (status, body, _) = &script[next.fetch_add(1, Ordering::SeqCst)];
            answer(*status, body.clone())
        })
        .await;
        let rig = Rig::new(db, &nango, at_nango()).await;
        let credentials = rig.replica(db).await;
        for (status, body, is_final) in answers {
            let result = rig.access(&credentials, Want::Any, NOW).await;
            let reason = match is_final {
                true => needs_reauth(result).0,
                false => unavailable(result).0,
            };
            assert!(!reason.contains("hush") && reason.contains("Nango"), "{status} {body}: {reason}");
            assert_eq!(reason.contains("nango.secret_key"), [401, 403].contains(&status), "{reason}");
        }
        assert_eq!(rig.status().await, IntegrationStatus::Active);
    }

    async fn an_older_nango_is_asked_at_its_own_path(db: &TestDb) {
        let nango = Issuer::start(|seen| match seen.target.starts_with("/connection/c-1?") {
            true => connection("hush-access", later(3_600)),
            false => (StatusCode::NOT_FOUND, "Cannot GET").into_response(),
        })
        .await;
        let rig = Rig::new(db, &nango, at_nango()).await;
        let credentials = rig.replica(db).await;
        let access = rig.access(&credentials, Want::Any, NOW).await.unwrap();
        assert_eq!((shown(&access), nango.count()), ("hush-access", 2));
    }

    async fn redirects_by_nango_are_not_followed(db: &TestDb) {
        let elsewhere = Issuer::of_tokens(60).await;
        let url = elsewhere.url();
        let nango = Issuer::start(move |_| (StatusCode::FOUND, [("location", url.clone())]).into_response()).await;
        let rig = Rig::new(db, &nango, at_nango()).await;
        let credentials = rig.replica(db).await;
        let (reason, _) = unavailable(rig.access(&credentials, Want::Any, NOW).await);
        assert_eq!(reason, "Nango answered 302");
        assert_eq!((nango.count(), elsewhere.count()), (1, 0));
    }

    async fn a_new_connection_is_requested_and_lifts_the_old_ones_failure(db: &TestDb) {
        let nango = Issuer::start(|seen| {
            let name = seen.target.split(['/', '?']).nth(2).unwrap().to_owned();
            connection(&name, later(3_600))
        })
        .await;
        let rig = Rig::new(db, &nango, at_nango()).await;
        let credentials = rig.replica(db).await;
        let old = rig.access(&credentials, Want::Any, NOW).await.unwrap();
        assert_eq!(shown(&old), "c-1");
        assert!(rig.refuse(old.revision, "refused").await);
        let patch = IntegrationPatch { connection_id: Some("c-2".into()), ..IntegrationPatch::default() };
        assert_eq!(rig.change(&patch, NOW).await.status, IntegrationStatus::Active);
        assert!(!rig.refuse(old.revision, "late").await);
        assert_eq!(shown(&rig.access(&credentials, Want::Any, NOW).await.unwrap()), "c-2");

        // Other credentials do not depend on the connection.
        rig.set(static_token("t"), NOW).await;
        let token = rig.access(&credentials, Want::Any, NOW).await.unwrap();
        assert!(rig.refuse(token.revision, "refused").await);
        let patch = IntegrationPatch { connection_id: Some("c-3".into()), ..IntegrationPatch::default() };
        assert_eq!(rig.change(&patch, NOW).await.status, IntegrationStatus::NeedsReauth);
    }

    async fn a_host_without_the_secret_key_says_so(db: &TestDb) {
        let nango = Issuer::of_tokens(60).await;
        let rig = Rig::new(db, &nango, at_nango()).await;
        let config = app::config(db, "");
        let credentials = Credentials::new(db.store().await, Arc::clone(&rig.key), &config).unwrap();
        let (reason, _) = unavailable(rig.access(&credentials, Want::Any, NOW).await);
        assert_eq!(reason, "the operator has not set nango.secret_key");
    }
}
