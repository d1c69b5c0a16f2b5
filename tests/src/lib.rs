//! Helpers of the integration tests: real databases, and the host as a user runs it. A
//! test fails if its server is missing; it is never skipped.

pub mod app;
pub mod claims;
pub mod db;
pub mod files;
pub mod github;
pub mod gmail;
pub mod nango;
pub mod private_postgres;
pub mod process;
pub mod receiver;
pub mod redis;
pub mod services;
pub mod wire;

pub use app::TestApp;
pub use claims::claim_deliveries;
pub use db::{Kind, TestDb};

/// Runs one test on each database: `mod name { fn sqlite; fn postgres }`.
#[macro_export]
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($db:ident: &TestDb) $body:block)*) => {
        $(mod $name {
            #[allow(unused_imports, reason = "not every test uses everything")]
            use super::*;

            async fn check($db: &$crate::TestDb) $body

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let db = $crate::TestDb::create($crate::Kind::Sqlite).await;
                check(&db).await;
                db.remove().await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let db = $crate::TestDb::create($crate::Kind::Postgres).await;
                check(&db).await;
                db.remove().await;
            }
        })*
    };
}

/// An HTTP client.
///
/// # Panics
/// Never.
pub fn client() -> reqwest::Client {
    // An error means that another test has installed one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap_or_default()
}

/// Waits until `condition` holds. Fails after 30 s with the name `what`.
///
/// # Panics
/// If it never holds.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    while !condition().await {
        assert!(
            tokio::time::Instant::now() < deadline,
            "timed out waiting for {what}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
