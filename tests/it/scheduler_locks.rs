//! Concurrent changes: one has decided its ticks and cannot write them yet while another
//! begins. Both end, and no tick is lost or fired twice.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use triggerhouse::domain::TriggerId;
use triggerhouse::store::Store;
use triggerhouse_tests::{Kind, TestDb, eventually};

mod scene;

use scene::{Act, DUE, FIRING, HALF_AN_HOUR, HOUR, LIMITS, OTHERS, Scene, now, org};

/// The number of sessions of this database that wait for a lock.
async fn waiting(db: &TestDb) -> i64 {
    db.number(
        "select count(*) from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'",
    )
    .await
}

/// Starts `first`, which blocks where it writes to `table`. Then starts `second`, until it
/// waits or has ended. Then lets both go on.
async fn meet(db: &TestDb, table: &str, scene: &Scene, first: Act, second: Act) {
    let mut gate = PgConnection::connect(&db.url).await.unwrap();
    gate.execute("begin").await.unwrap();
    let lock = format!("lock table {table} in share row exclusive mode");
    gate.execute(AssertSqlSafe(lock)).await.unwrap();
    let begun = tokio::spawn(scene.clone().act(first));
    eventually("the first one waits", async || waiting(db).await == 1).await;
    let met = tokio::spawn(scene.clone().act(second));
    eventually("the second one waits, or has ended", async || {
        met.is_finished() || waiting(db).await == 2
    })
    .await;
    gate.execute("rollback").await.unwrap();
    for (act, done) in [(first, begun.await), (second, met.await)] {
        if let Err(error) = done.unwrap() {
            panic!("{act:?} of {first:?} and {second:?}: {error}");
        }
    }
}

async fn open() -> (TestDb, Store) {
    let db = TestDb::create(Kind::Postgres).await;
    let store = db.store().await;
    store
        .create_key(&org(), "test", b"hash", "hint", DUE)
        .await
        .unwrap();
    (db, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_of_concurrent_changes_fires_due_ticks_once() {
    let (db, store) = open().await;
    for first in FIRING {
        for second in FIRING.into_iter().chain(OTHERS) {
            let scene = Scene::new(&store).await;
            meet(&db, "events", &scene, first, second).await;
            // Ticks that both left to the scheduler.
            store.fire_due(now(), LIMITS, 100).await.unwrap();
            let pair = format!("{first:?} and {second:?}");

            let ticks = |id: TriggerId| {
                let sql = format!("select count(*) from runs where trigger_id = '{}'", id.0);
                let db = &db;
                async move { db.number(&sql).await }
            };
            assert_eq!(ticks(scene.own).await, 1, "{pair}");
            assert_eq!(ticks(scene.follower).await, 1, "{pair}");

            let is = |act| first == act || second == act;
            let after = |half: bool| Some(DUE + if half { HALF_AN_HOUR } else { HOUR });
            if is(Act::DeleteAutomation) {
                assert_eq!(scene.next(scene.own).await, None, "{pair}");
                assert_eq!(scene.next(scene.follower).await, None, "{pair}");
                for table in ["triggers", "schedules"] {
                    let left = format!(
                        "select count(*) from {table} where automation_id = '{}' and deleted_at is null",
                        scene.automation.0
                    );
                    assert_eq!(db.number(&left).await, 0, "{table} after {pair}");
                }
            } else {
                let own = after(is(Act::ChangeOwn)).filter(|_| !is(Act::DeleteOwn));
                assert_eq!(scene.next(scene.own).await, own, "{pair}");
                let follower = after(is(Act::ChangeSchedule) || is(Act::Unfollow));
                assert_eq!(scene.next(scene.follower).await, follower, "{pair}");
            }
            scene.act(Act::DeleteAutomation).await.unwrap();
        }
    }
    store.close().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trigger_that_is_created_while_its_automation_is_deleted_is_deleted_too() {
    let (db, store) = open().await;
    for (create, table) in [
        (Act::CreateSchedule, "schedules"),
        (Act::CreateTrigger, "route_changes"),
        (Act::CreateFollower, "route_changes"),
    ] {
        let scene = Scene::new(&store).await;
        meet(&db, table, &scene, create, Act::DeleteAutomation).await;
        for table in ["triggers", "schedules"] {
            let left = format!("select count(*) from {table} where deleted_at is null");
            assert_eq!(db.number(&left).await, 0, "{table} after {create:?}");
        }
    }
    store.close().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_fires_the_triggers_that_no_other_has_locked() {
    let (db, store) = open().await;
    for _ in 0..3 {
        Scene::new(&store).await;
    }
    let mut gate = PgConnection::connect(&db.url).await.unwrap();
    gate.execute("begin; lock table events in share row exclusive mode")
        .await
        .unwrap();
    let replicas: Vec<_> = (1..=2)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.fire_due(now(), LIMITS, 3).await.unwrap() })
        })
        .collect();
    eventually("both have theirs", async || waiting(&db).await == 2).await;
    // No trigger is left for a third replica.
    let third = store.fire_due(now(), LIMITS, 3).await.unwrap();
    assert_eq!((third.triggers, third.runs), (0, 0));
    gate.execute("rollback").await.unwrap();
    for replica in replicas {
        let fired = replica.await.unwrap();
        assert_eq!((fired.triggers, fired.runs), (3, 3));
    }
    assert_eq!(db.number("select count(*) from runs").await, 6);
    store.close().await;
    db.remove().await;
}
