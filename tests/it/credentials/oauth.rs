use super::*;
use triggerhouse_tests::{Kind, db, eventually, on_both};

on_both! {
    async fn an_access_token_is_fetched_once_and_renewed_before_it_expires(db: &TestDb) {
        let issuer = Issuer::of_tokens(3_600).await;
        let rig = Rig::oauth(db, &issuer).await;
        let credentials = rig.replica(db).await;
        let first = rig.access(&credentials, Want::Any, NOW).await.unwrap();
        assert_eq!(shown(&first), "hush-access-1");
        assert!(first.is_renewable && first.revision.is_some());
        let last = rig.access(&credentials, Want::Any, later(3_250)).await.unwrap();
        assert_eq!((shown(&last), last.stamp), ("hush-access-1", first.stamp));
        assert_eq!(issuer.count(), 1);

        let next = rig.access(&credentials, Want::Any, later(3_301)).await.unwrap();
        assert_eq!(shown(&next), "hush-access-2");
        assert_eq!(next.revision, first.revision);
        assert_ne!(next.stamp, first.stamp);
        let asked = issuer.seen().remove(0);
        assert_eq!((&*asked.method, &*asked.target), ("POST", "/token"));
        assert_eq!(asked.content_type.as_deref(), Some("application/x-www-form-urlencoded"));
        assert_eq!(asked.authorization, None);
        for (name, expected) in [
            ("grant_type", Some("refresh_token")),
            ("refresh_token", Some("hush-refresh-0")),
            ("client_id", Some("the-client")),
            ("client_secret", Some("hush-client-secret")),
            ("scope", None),
        ] {
            assert_eq!(asked.form(name).as_deref(), expected, "{name}");
        }
    }

    async fn a_short_lived_token_is_used_and_one_without_an_expiry_is_kept(db: &TestDb) {
        let issuer = Issuer::of_tokens(0).await;
        let rig = Rig::oauth(db, &issuer).await;
        let credentials = rig.replica(db).await;
        for number in 1..=2 {
            let access = rig.access(&credentials, Want::Any, NOW).await.unwrap();
            assert_eq!(shown(&access), format!("hush-access-{number}"));
        }
        let endless = Issuer::start(|_| answer(200, json!({"access_token": "endless"}))).await;
        let rig = Rig { config: app::config(db, &format!("[credentials]\nallow_hosts = ['{}']", endless.address)), ..rig };
        let credentials = rig.replica(db).await;
        rig.set(grant(&endless.url()), NOW).await;
        for now in [NOW, later(1_000_000_000)] {
            let access = rig.access(&credentials, Want::Any, now).await.unwrap();
            assert_eq!(shown(&access), "endless");
        }
        assert_eq!(endless.count(), 1);
    }

    async fn all_callers_of_a_refused_token_share_one_renewal(db: &TestDb) {
        let issuer = Issuer::of_tokens(3_600).await;
        let rig = Rig::oauth(db, &issuer).await;
        let credentials = rig.replica(db).await;
        let first = rig.access(&credentials, Want::Any, NOW).await.unwrap();
        for _ in 0..3 {
            let want = Want::NewerThan(first.stamp);
            let second = rig.access(&credentials, want, NOW).await.unwrap();
            assert_eq!(shown(&second), "hush-access-2");
        }
        assert_eq!(issuer.count(), 2);
    }

    async fn a_new_refresh_token_replaces_the_old_one(db: &TestDb) {
        // Accepts only the refresh token that it issued last.
        let issuer = Issuer::start(|seen| {
            let expected = format!("hush-refresh-{}", seen.number - 1);
            if seen.form("refresh_token") != Some(expected) {
                return answer(400, json!({"error": "invalid_grant"}));
            }
            let (access, next) = (format!("a-{}", seen.number), format!("hush-refresh-{}", seen.number));
            answer(200, json!({"access_token": access, "refresh_token": next, "expires_in": 60}))
        })
        .await;
        let rig = Rig::oauth(db, &issuer).await;
        for number in 1..=4 {
            // A new replica each time, which knows only the stored token.
            let credentials = rig.replica(db).await;
            let access = rig.access(&credentials, Want::Any, later(number * 60)).await.unwrap();
            assert_eq!(shown(&access), format!("a-{number}"));
        }
    }

    async fn a_refused_grant_needs_a_person_until_there_is_a_new_credential(db: &TestDb) {
        let refusing = Issuer::start(|_| {
            answer(400, json!({"error": "invalid_grant", "error_description": "Token has been revoked."}))
        })
        .await;
        let rig = Rig::oauth(db, &refusing).await;
        let credentials = rig.replica(db).await;
        let (reason, revision) = needs_reauth(rig.access(&credentials, Want::Any, NOW).await);
        assert_eq!(reason, "the token endpoint answered invalid_grant: Token has been revoked.");
        assert_eq!(rig.status().await, IntegrationStatus::Active, "until it is settled");
        assert!(rig.refuse(revision, &reason).await);
        assert!(!rig.refuse(revision, &reason).await, "once");
        let integration = rig.integration().await;
        assert_eq!(integration.status, IntegrationStatus::NeedsReauth);
        assert_eq!(integration.status_reason, Some(reason));

        let lifted = rig.set(static_token("t"), NOW).await;
        assert_eq!((lifted.status, lifted.status_reason), (IntegrationStatus::Active, None));
        let access = rig.access(&credentials, Want::Any, NOW).await.unwrap();
        assert_eq!(shown(&access), "t");
        assert!(!access.is_renewable);
        let (reason, revision) = needs_reauth(rig.access(&credentials, Want::NewerThan(access.stamp), NOW).await);
        assert_eq!(reason, "the service refused the token");
        assert_eq!(revision, access.revision);
    }

    async fn a_late_refusal_of_an_old_credential_changes_nothing(db: &TestDb) {
        let issuer = Issuer::of_tokens(3_600).await;
        let rig = Rig::oauth(db, &issuer).await;
        let credentials = rig.replica(db).await;
        let old = rig.access(&credentials, Want::Any, NOW).await.unwrap();
        rig.set(static_token("t"), NOW).await;
        assert!(!rig.refuse(old.revision, "late").await);
        assert!(!rig.refuse(None, "late").await);
        let integration = rig.integration().await;
        assert_eq!((integration.status, integration.status_reason), (IntegrationStatus::Active, None));
        // A caller that was refused gets the new one.
        let access = rig.access(&credentials, Want::NewerThan(old.stamp), NOW).await.unwrap();
        assert_eq!(shown(&access), "t");

        let removal = IntegrationPatch { credential: Patch::Clear, ..IntegrationPatch::default() };
        rig.change(&removal, NOW).await;
        assert!(!rig.refuse(access.revision, "late").await);
        let none = rig.access(&credentials, Want::Any, NOW).await.unwrap();
        assert!(none.secret.is_none() && none.revision.is_none());
        let (_, revision) = needs_reauth(rig.access(&credentials, Want::NewerThan(none.stamp), NOW).await);
        assert!(rig.refuse(revision, "a credential is needed").await);
        let still = rig.change(&removal, NOW).await;
        assert_eq!(still.status, IntegrationStatus::NeedsReauth, "no credential is no new one");
    }

    async fn refusals_and_new_credentials_do_not_lift_a_persons_suspension(db: &TestDb) {
        let issuer = Issuer::of_tokens(3_600).await;
        let rig = Rig::oauth(db, &issuer).await;
        let credentials = rig.replica(db).await;
        let access = rig.access(&credentials, Want::Any, NOW).await.unwrap();
        let suspension = IntegrationPatch { status: Some(IntegrationStatus::Suspended), ..IntegrationPatch::default() };
        rig.change(&suspension, NOW).await;
        assert!(!rig.refuse(access.revision, "refused").await);
        assert_eq!(rig.set(static_token("t"), NOW).await.status, IntegrationStatus::Suspended);
    }

    async fn during_an_outage_a_valid_token_stays_in_use_and_all_replicas_keep_the_pause(db: &TestDb) {
        let issuer = Issuer::start(|seen| match seen.number {
            1 => tokens(seen, 3_600),
            2 => (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "30")], "hush").into_response(),
            _ => answer(500, json!({"error": "invalid_grant"})),
        })
        .await;
        let rig = Rig::oauth(db, &issuer).await;
        let (one, two) = (rig.replica(db).await, rig.replica(db).await);
        rig.access(&one, Want::Any, NOW).await.unwrap();
        for replica in [&one, &two] {
            let access = rig.access(replica, Want::Any, later(3_400)).await.unwrap();
            assert_eq!(shown(&access), "hush-access-1");
        }
        assert_eq!(issuer.count(), 2, "the second replica knows of the pause");
        let refused = rig.access(&two, Want::Any, later(3_400)).await.unwrap();
        let (reason, pause) = unavailable(rig.access(&two, Want::NewerThan(refused.stamp), later(3_410)).await);
        assert!(reason.contains("left alone"), "{reason}");
        assert!(pause.is_some_and(|pause| (15..=21).contains(&pause.as_secs())), "{pause:?}");
        assert_eq!(issuer.count(), 2);
        // The pause is over, and the token has expired.
        let (reason, pause) = unavailable(rig.access(&two, Want::Any, later(3_601)).await);
        assert_eq!(reason, "the token endpoint answered invalid_grant");
        assert_eq!((pause, issuer.count()), (None, 3));
        assert_eq!(rig.status().await, IntegrationStatus::Active);
    }

    async fn client_authentication_moves_to_the_header_after_a_refusal_and_stays_there(db: &TestDb) {
        let issuer = Issuer::start(|seen| match &seen.authorization {
            Some(header) if header == "Basic dGhlLWNsaWVudDpodXNoLWNsaWVudC1zZWNyZXQ=" => tokens(seen, 60),
            _ => answer(401, json!({"error": "invalid_client"})),
        })
        .await;
        let rig = Rig::oauth(db, &issuer).await;
        let credentials = rig.replica(db).await;
        let first = rig.access(&credentials, Want::Any, NOW).await.unwrap();
        assert_eq!((shown(&first), issuer.count()), ("hush-access-2", 2));
        let header = issuer.seen().remove(1);
        assert!(header.form("client_secret").is_none() && header.form("client_id").is_none());
        let next = rig.access(&credentials, Want::Any, later(60)).await.unwrap();
        assert_eq!((shown(&next), issuer.count()), ("hush-access-3", 3));

        let refusing = Issuer::start(|_| answer(401, json!({"error": "invalid_client"}))).await;
        let rig = Rig { config: app::config(db, &format!("[credentials]\nallow_hosts = ['{}']", refusing.address)), ..rig };
        rig.set(grant(&refusing.url()), NOW).await;
        let credentials = rig.replica(db).await;
        let (reason, _) = needs_reauth(rig.access(&credentials, Want::Any, NOW).await);
        assert_eq!(reason, "the token endpoint answered invalid_client");
        assert_eq!(refusing.count(), 2);
    }

    async fn an_unreadable_answer_is_never_repeated_in_an_error(db: &TestDb) {
        let issuer = Issuer::start(|seen| match seen.number {
            1 => "hush <html>".into_response(),
            2 => answer(200, json!({"access_token": ["hush"], "expires_in": "hush"})),
            3 => answer(400, json!({"error": {"hush": "hush"}})),
            4 => "hush ".repeat(1 << 20).into_response(),
            _ => answer(403, json!({"error": "hush-refresh-0", "error_description": "hush-client-secret"})),
        })
        .await;
        let rig = Rig::oauth(db, &issuer).await;
        let credentials = rig.replica(db).await;
        for _ in 0..5 {
            let (reason, pause) = unavailable(rig.access(&credentials, Want::Any, NOW).await);
            assert!(!reason.contains("hush") && pause.is_none(), "{reason}");
        }
        assert_eq!(issuer.count(), 5);
    }

    async fn deleting_an_integration_deletes_its_credential(db: &TestDb) {
        let issuer = Issuer::of_tokens(3_600).await;
        let rig = Rig::oauth(db, &issuer).await;
        let credentials = rig.replica(db).await;
        rig.access(&credentials, Want::Any, NOW).await.unwrap();
        assert!(rig.store.delete_integration(&org(), rig.integration, NOW).await.unwrap());
        let access = rig.access(&credentials, Want::Any, NOW).await.unwrap();
        assert!(access.secret.is_none());
        assert_eq!(db.number("select count(*) from credentials").await, 0);
    }
}

/// Postgres only: there a statement that waits for a lock has an older snapshot than the
/// transaction that it waits for.
#[tokio::test]
async fn a_refusal_that_waited_for_a_replacement_does_not_count() {
    let db = TestDb::create(Kind::Postgres).await;
    let issuer = Issuer::of_tokens(3_600).await;
    let rig = Rig::oauth(&db, &issuer).await;
    let credentials = rig.replica(&db).await;
    let old = rig.access(&credentials, Want::Any, NOW).await.unwrap();
    let claim = rig.polled().await.unwrap();
    // The same changes as `update_integration`, held open.
    let replacing = "update integrations set updated_at = updated_at;
        update credentials set revision = gen_random_uuid()";
    let replacing = db.hold(replacing).await;
    let waiting = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    let replaced = async {
        eventually("a refusal that waits", async || {
            db.number(waiting).await == 1
        })
        .await;
        db::commit(replacing).await;
    };
    let (counted, ()) = tokio::join!(rig.refused(&claim, old.revision, "late"), replaced);
    assert!(!counted);
    assert_eq!(rig.status().await, IntegrationStatus::Active);
    db.remove().await;
}
