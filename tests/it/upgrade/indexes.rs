//! Indexes that are built concurrently: nobody waits for them, and an interrupted build is
//! begun again.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};
use std::path::Path;
use std::time::Duration;
use triggerhouse::store::{Store, StoreOptions};
use triggerhouse_tests::db::release;
use triggerhouse_tests::{Kind, TestDb, eventually};

/// The migrations of this version and one of a later one.
async fn later(sql: &str, no_tx: bool) -> Migrator {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/postgres");
    let ours = Migrator::new(ours).await.unwrap();
    let kind = MigrationType::Simple;
    let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
    let later = Migration::new(9001, "later".into(), kind, sql, no_tx);
    Migrator::with_migrations(ours.iter().cloned().chain([later]).collect())
}

const INDEX: &str = "create index concurrently if not exists later on automations (name)";
const IS_VALID: &str = "select count(*) from pg_index join pg_class on oid = indexrelid
    where relname = 'later' and indisvalid";
const BUILDERS: &str = "select count(*) from pg_stat_activity
    where datname = current_database() and query like 'create index concurrently%'";

async fn open(db: &TestDb) -> Store {
    let options = StoreOptions {
        connections_max: 3,
        answer_max: Duration::from_secs(1),
        ..StoreOptions::default()
    };
    Store::open(&db.url, &options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_has_no_time_limit() {
    let db = TestDb::create(Kind::Postgres).await;
    let store = open(&db).await;
    store
        .migrate_by(&later("select pg_sleep(2.5)", false).await)
        .await
        .unwrap();
    store.close().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_wait_for_an_index_do_not_block_it() {
    let db = TestDb::create(Kind::Postgres).await;
    db.store().await.close().await;
    // The build waits for this transaction.
    let held = db
        .hold(
            "insert into automations (id, org_id, name, enabled, created_at, updated_at)
        select gen_random_uuid(), id, 'a', true, 0, 0 from organizations; select 1",
        )
        .await;
    let replicas: Vec<_> = (0..4)
        .map(|_| {
            let url = db.url.clone();
            tokio::spawn(async move {
                let store = open(&TestDb::of_server(&url)).await;
                store.migrate_by(&later(INDEX, true).await).await.unwrap();
                store.close().await;
            })
        })
        .collect();
    eventually("a build", async || db.number(BUILDERS).await == 1).await;
    // Others write meanwhile.
    db.execute(
        "insert into organizations (id, created_at) values ('acme', 0);
        insert into automations (id, org_id, name, enabled, created_at, updated_at)
        values (gen_random_uuid(), 'acme', 'a', true, 0, 0)",
    )
    .await;
    release(held).await;
    for replica in replicas {
        replica.await.unwrap();
    }
    assert_eq!(db.number(IS_VALID).await, 1);
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_build_is_begun_again() {
    let db = TestDb::create(Kind::Postgres).await;
    db.store().await.close().await;
    let held = db
        .hold("lock table automations in row exclusive mode")
        .await;
    let (url, migrator) = (db.url.clone(), later(INDEX, true).await);
    let interrupted = tokio::spawn(async move {
        let store = open(&TestDb::of_server(&url)).await;
        store.migrate_by(&migrator).await
    });
    eventually("a build", async || db.number(BUILDERS).await == 1).await;
    let exists = "select count(*) from pg_class where relname = 'later'";
    eventually("an unfinished index", async || db.number(exists).await == 1).await;
    db.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and query like 'create index concurrently%'",
    )
    .await;
    interrupted.await.unwrap().unwrap_err();
    release(held).await;
    assert_eq!(db.number(IS_VALID).await, 0);

    let store = open(&db).await;
    store.migrate_by(&later(INDEX, true).await).await.unwrap();
    assert_eq!(db.number(IS_VALID).await, 1);
    store.close().await;
    db.remove().await;
}
