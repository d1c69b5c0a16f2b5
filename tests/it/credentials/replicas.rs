use super::*;
use triggerhouse::config::Millis;
use triggerhouse::secret::SealedPlace;
use triggerhouse::store::RenewalOf;
use triggerhouse_tests::{eventually, on_both};

/// The state from which a renewal would start now.
async fn renewal(rig: &Rig) -> RenewalOf {
    let stored = rig
        .store
        .credential(rig.integration)
        .await
        .unwrap()
        .unwrap();
    RenewalOf {
        integration: rig.integration,
        revision: stored.revision,
        access_number: stored.access_number,
    }
}

/// Calls in its own task.
fn calling(
    rig: &Rig,
    credentials: &Credentials,
    now: Timestamp,
) -> tokio::task::JoinHandle<Result<Access, AccessError>> {
    let (credentials, integration) = (credentials.clone(), rig.integration);
    tokio::spawn(async move { credentials.access(integration, Want::Any, now).await })
}

async fn asked(issuer: &Issuer, count: usize) {
    eventually("a request", async || issuer.count() == count).await;
}

on_both! {
    async fn twenty_callers_on_two_replicas_make_one_call(db: &TestDb) {
        let issuer = Issuer::holding(|seen| tokens(seen, 3_600)).await;
        let rig = Rig::oauth(db, &issuer).await;
        let replicas = [rig.replica(db).await, rig.replica(db).await];
        let calls: Vec<_> = (0..20).map(|number| calling(&rig, &replicas[number % 2], NOW)).collect();
        asked(&issuer, 1).await;
        // The gate is open: a second call would be answered.
        issuer.gate.add_permits(100);
        for call in calls {
            assert_eq!(shown(&call.await.unwrap().unwrap()), "hush-access-1");
        }
        assert_eq!(issuer.count(), 1);
    }

    async fn a_valid_token_is_used_at_once_while_another_replica_renews(db: &TestDb) {
        let issuer = Issuer::holding(|seen| tokens(seen, 3_600)).await;
        issuer.gate.add_permits(1);
        let rig = Rig::oauth(db, &issuer).await;
        let (one, two) = (rig.replica(db).await, rig.replica(db).await);
        rig.access(&one, Want::Any, NOW).await.unwrap();
        let renewing = calling(&rig, &one, later(3_400));
        asked(&issuer, 2).await;
        for replica in [&one, &two] {
            let access = rig.access(replica, Want::Any, later(3_400)).await.unwrap();
            assert_eq!(shown(&access), "hush-access-1");
        }
        issuer.gate.add_permits(100);
        assert_eq!(shown(&renewing.await.unwrap().unwrap()), "hush-access-2");
        assert_eq!(issuer.count(), 2);
    }

    async fn a_dead_replicas_renewal_is_taken_over(db: &TestDb) {
        let issuer = Issuer::of_tokens(3_600).await;
        let rig = Rig::oauth(db, &issuer).await;
        let credentials = rig.replica(db).await;
        let of = renewal(&rig).await;
        let lease = NOW + Duration::from_millis(300);
        assert!(rig.store.claim_renewal(of, uuid::Uuid::now_v7(), lease, NOW).await.unwrap());
        assert!(!rig.store.claim_renewal(of, uuid::Uuid::now_v7(), lease, NOW).await.unwrap());
        // The call waits until the lease has lapsed by its own clock.
        let begun = std::time::Instant::now();
        let access = rig.access(&credentials, Want::Any, NOW).await.unwrap();
        assert_eq!((shown(&access), issuer.count()), ("hush-access-1", 1));
        assert!(begun.elapsed() >= Duration::from_millis(300));
        assert!(renewal(&rig).await != of);
    }

    async fn a_late_renewal_overwrites_nothing_newer(db: &TestDb) {
        // The first request is answered last, once with a refusal as after a rotation.
        for late in [200, 400] {
            let issuer = Issuer::holding(move |seen| match (seen.number, late) {
                (1, 400) => answer(400, json!({"error": "invalid_grant"})),
                _ => tokens(seen, 3_600),
            })
            .await;
            let rig = Rig::oauth(db, &issuer).await;
            let (one, two) = (rig.replica(db).await, rig.replica(db).await);
            let slow = calling(&rig, &one, NOW);
            asked(&issuer, 1).await;
            // By the other replica's clock it is an hour later: the claim has lapsed.
            let of = renewal(&rig).await;
            let claim = uuid::Uuid::now_v7();
            assert!(rig.store.claim_renewal(of, claim, later(7_200), later(3_600)).await.unwrap());
            let newer = triggerhouse::store::Renewal {
                access: triggerhouse::store::SealedAccess {
                    sealed: sealed_access(&rig, "newer").await,
                    expires_at: Some(later(9_000)),
                    renew_at: Some(later(8_000)),
                },
                sealed: None,
            };
            assert!(rig.store.store_renewal(of, &newer, later(3_600)).await.unwrap());
            assert!(!rig.store.store_renewal(of, &newer, later(3_600)).await.unwrap());
            issuer.gate.add_permits(100);
            assert_eq!(shown(&slow.await.unwrap().unwrap()), "newer", "{late}");
            assert_eq!(shown(&rig.access(&two, Want::Any, NOW).await.unwrap()), "newer");
            assert_eq!(issuer.count(), 1);
            rig.store.delete_integration(&org(), rig.integration, NOW).await.unwrap();
        }
    }

    async fn a_late_renewal_of_a_replaced_credential_is_dropped(db: &TestDb) {
        let issuer = Issuer::holding(|seen| tokens(seen, 3_600)).await;
        let rig = Rig::oauth(db, &issuer).await;
        let credentials = rig.replica(db).await;
        let slow = calling(&rig, &credentials, NOW);
        asked(&issuer, 1).await;
        rig.set(static_token("another"), NOW).await;
        issuer.gate.add_permits(100);
        assert_eq!(shown(&slow.await.unwrap().unwrap()), "another");
        let of_old = "select count(*) from credentials where access_sealed is not null";
        assert_eq!(db.number(of_old).await, 0);
    }

    async fn a_renewal_outlives_its_caller(db: &TestDb) {
        let issuer = Issuer::holding(|seen| tokens(seen, 3_600)).await;
        let rig = Rig::oauth(db, &issuer).await;
        let credentials = rig.replica(db).await;
        let call = calling(&rig, &credentials, NOW);
        asked(&issuer, 1).await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        issuer.gate.add_permits(100);
        let access = rig.access(&credentials, Want::Any, NOW).await.unwrap();
        assert_eq!((shown(&access), issuer.count()), ("hush-access-1", 1));
    }

    async fn a_renewal_without_an_answer_times_out_and_releases_its_claim(db: &TestDb) {
        let issuer = Issuer::holding(|seen| tokens(seen, 3_600)).await;
        let rig = Rig::oauth(db, &issuer).await;
        let mut config = rig.config.clone();
        config.credentials.timeout_ms = Millis::new(200).unwrap();
        let key = Arc::clone(&rig.key);
        let hasty = Credentials::new(db.store().await, key, &config).unwrap();
        let (reason, _) = unavailable(rig.access(&hasty, Want::Any, NOW).await);
        assert!(reason.ends_with("did not answer within 200 ms"), "{reason}");
        // The claim was released, so the next call renews at once.
        issuer.gate.add_permits(100);
        let access = rig.access(&hasty, Want::Any, NOW).await.unwrap();
        assert_eq!(shown(&access), "hush-access-2");
    }
}

/// An access token as another replica would store it.
async fn sealed_access(rig: &Rig, token: &str) -> Vec<u8> {
    let stored = rig
        .store
        .credential(rig.integration)
        .await
        .unwrap()
        .unwrap();
    let place = SealedPlace::AccessToken {
        integration: rig.integration,
        seal_id: stored.credential.seal_id,
    };
    rig.key.seal(token.as_bytes(), place)
}
