//! An old version beside a newer schema.

use triggerhouse::store::{Store, StoreError, StoreOptions};
use triggerhouse_tests::{Kind, TestApp, TestDb, on_both};

/// Makes the schema that of a later version, which this one does not know.
async fn migrate_to_later(db: &TestDb) {
    let checksum = match db.kind {
        Kind::Postgres => "'\\x00'",
        Kind::Sqlite => "x'00'",
    };
    db.execute(&format!(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'later', true, {checksum}, 0)"
    ))
    .await;
}

async fn migrate(db: &TestDb) -> Result<(), StoreError> {
    let store = Store::open(&db.url, &StoreOptions::default())
        .await
        .unwrap();
    let migrated = store.migrate().await;
    store.close().await;
    migrated
}

on_both! {
    async fn a_version_starts_beside_a_newer_schema_that_allows_it(db: &TestDb) {
        migrate(db).await.unwrap();
        migrate_to_later(db).await;
        let app = TestApp::start(db).await;
        app.stop().await;
    }

    async fn a_version_that_is_too_old_for_the_schema_says_so(db: &TestDb) {
        migrate(db).await.unwrap();
        migrate_to_later(db).await;
        db.execute("update schema_floor set version = 9999").await;
        let refused = migrate(db).await.unwrap_err().to_string();
        assert!(refused.starts_with("this version is too old for the database"), "{refused}");
        assert!(refused.ends_with("needs a version that knows 9999"), "{refused}");
    }

    async fn a_newer_schema_without_a_floor_is_refused(db: &TestDb) {
        migrate(db).await.unwrap();
        migrate_to_later(db).await;
        db.execute("drop table schema_floor").await;
        let refused = migrate(db).await.unwrap_err().to_string();
        assert!(refused.contains("migration 9999"), "{refused}");
    }
}
