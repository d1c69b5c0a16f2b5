use super::*;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use triggerhouse::egress::{HostClient, PublicUrls};
use triggerhouse_tests::on_both;

/// Resolves every name to one address.
struct Fixed(SocketAddr);

impl Resolve for Fixed {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses = vec![self.0];
        Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
    }
}

on_both! {
    async fn a_token_url_reaches_no_private_address(db: &TestDb) {
        let ours = Issuer::of_tokens(60).await;
        let port = ours.address.port();
        let rig = Rig::oauth(db, &ours).await;
        // The operator has removed the exception since the credential was stored.
        let mut config = rig.config.clone();
        config.credentials.allow_hosts = PublicUrls::new(&[]).unwrap();
        let credentials = Credentials::new(db.store().await, Arc::clone(&rig.key), &config).unwrap();
        for (host, expected) in [
            ("127.0.0.1", "is not a public address"),
            ("169.254.169.254", "is not a public address"),
            ("[::ffff:127.0.0.1]", "is not a public address"),
            ("[::1]", "is not a public address"),
            ("2130706433", "is not a public address"),
            ("localhost", "leads to no public address"),
        ] {
            for (scheme, expected) in [("https", expected), ("http", "http is for an address and port")] {
                rig.set(grant(&format!("{scheme}://{host}:{port}/token")), NOW).await;
                let (reason, _) = unavailable(rig.access(&credentials, Want::Any, NOW).await);
                assert!(reason.contains(expected), "{scheme}://{host}: {reason}");
            }
        }
        assert_eq!(ours.count(), 0);
    }

    async fn a_name_that_resolves_to_a_private_address_is_refused_despite_any_grant(db: &TestDb) {
        let ours = Issuer::of_tokens(60).await;
        let rig = Rig::oauth(db, &ours).await;
        rig.set(grant(&format!("https://login.example.com:{}/token", ours.address.port())), NOW).await;
        let urls = rig.config.credentials.allow_hosts.clone();
        let client = HostClient::public_with(urls, Arc::new(Fixed(ours.address))).unwrap();
        let credentials = Credentials::with(db.store().await, Arc::clone(&rig.key), &rig.config, client).unwrap();
        let (reason, _) = unavailable(rig.access(&credentials, Want::Any, NOW).await);
        assert!(reason.contains("login.example.com leads to no public address"), "{reason}");
        assert_eq!(ours.count(), 0);
    }

    async fn redirects_by_a_token_endpoint_are_not_followed(db: &TestDb) {
        let ours = Issuer::of_tokens(60).await;
        for status in [301, 302, 303, 307, 308] {
            let url = ours.url();
            let theirs = Issuer::start(move |_| {
                (StatusCode::from_u16(status).unwrap(), [("location", url.clone())]).into_response()
            })
            .await;
            let rig = Rig::oauth(db, &theirs).await;
            let credentials = rig.replica(db).await;
            let (reason, _) = unavailable(rig.access(&credentials, Want::Any, NOW).await);
            assert_eq!(reason, format!("the token endpoint answered {status} without an access token"));
            assert_eq!((theirs.count(), ours.count()), (1, 0));
            rig.store.delete_integration(&org(), rig.integration, NOW).await.unwrap();
        }
    }
}
