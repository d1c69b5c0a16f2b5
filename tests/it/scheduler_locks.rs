//! Changes that meet: while one has decided what it fires and cannot write it yet,
//! another begins. Both end, and no tick is lost or fired twice.

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::time::Duration;
use triggerhouse::domain::resource::TriggerKind;
use triggerhouse::domain::schedule::{FiringLimits, MissedTicks, PROVIDER};
use triggerhouse::domain::{AutomationId, OrgId, ScheduleId, Timestamp, TriggerId};
use triggerhouse::store::{
    NewSchedule, NewTrigger, SchedulePatch, Store, StoreError, TriggerAutomation, TriggerClock,
    TriggerPatch,
};
use triggerhouse_tests::{Kind, TestDb, eventually};

const LIMITS: FiringLimits = FiringLimits {
    late: Duration::from_secs(60),
    missed_ticks_max: 10,
};
/// 2030-01-01T10:00:00Z, when everything is due.
const DUE: Timestamp = Timestamp(1_893_492_000_000_000);
const HOUR: Duration = Duration::from_secs(3600);
const HALF_AN_HOUR: Duration = Duration::from_secs(1800);
const HOURLY: &str = "0 * * * *";
const HALF_PAST: &str = "30 * * * *";

fn org() -> OrgId {
    "acme".parse().unwrap()
}

fn now() -> Timestamp {
    DUE + Duration::from_secs(1)
}

/// An automation with a trigger that has its own cron, and one that follows a schedule.
#[derive(Clone)]
struct Scene {
    store: Store,
    automation: AutomationId,
    schedule: ScheduleId,
    follower: TriggerId,
    own: TriggerId,
}

fn trigger(automation: AutomationId, schedule: Option<ScheduleId>) -> NewTrigger {
    let own = (HOURLY.to_owned(), "UTC".to_owned());
    NewTrigger {
        id: TriggerId::new(),
        automation: TriggerAutomation::Existing(automation),
        name: "t".into(),
        provider: PROVIDER.into(),
        kind: TriggerKind::Scheduled,
        integration: None,
        config: json!({}),
        enabled: true,
        door: None,
        clock: Some(TriggerClock {
            cron: schedule.is_none().then_some(own),
            schedule,
            missed_ticks: MissedTicks::All,
        }),
    }
}

fn schedule() -> NewSchedule {
    NewSchedule {
        name: "s".into(),
        cron: HOURLY.into(),
        timezone: "UTC".into(),
    }
}

/// What may happen to it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Fire,
    ChangeSchedule,
    ChangeOwn,
    SwitchFollower,
    Unfollow,
    DeleteOwn,
    DeleteAutomation,
    CreateSchedule,
    CreateTrigger,
    CreateFollower,
    RunByHand,
}

/// Those that fire what is due, and so can be stopped in the middle.
const FIRING: [Act; 7] = [
    Act::Fire,
    Act::ChangeSchedule,
    Act::ChangeOwn,
    Act::SwitchFollower,
    Act::Unfollow,
    Act::DeleteOwn,
    Act::DeleteAutomation,
];
const OTHERS: [Act; 4] = [
    Act::CreateSchedule,
    Act::CreateTrigger,
    Act::CreateFollower,
    Act::RunByHand,
];

impl Scene {
    async fn new(store: &Store) -> Self {
        let before = Timestamp(DUE.0 - 60_000_000);
        let (org, schedule) = (org(), schedule());
        let automation = store.create_automation(&org, "a", true, before).await;
        let automation = automation.unwrap().id;
        let created = store.create_schedule(&org, automation, &schedule, before);
        let schedule = created.await.unwrap().unwrap().id;
        let (own, follower) = (
            trigger(automation, None),
            trigger(automation, Some(schedule)),
        );
        for new in [&own, &follower] {
            let created = store.create_trigger(&org, new, before).await.unwrap();
            assert_eq!(created.next_tick_at, Some(DUE));
        }
        Self {
            store: store.clone(),
            automation,
            schedule,
            follower: follower.id,
            own: own.id,
        }
    }

    /// Does it. What was deleted before is no error.
    async fn act(self, act: Act) -> Result<(), StoreError> {
        let (store, org) = (&self.store, &org());
        let patch = |id, patch: TriggerPatch| async move {
            let changed = store.update_trigger(org, id, &patch, LIMITS, now()).await;
            changed.map(drop)
        };
        let create = |new: NewTrigger| async move {
            match store.create_trigger(org, &new, now()).await {
                Err(StoreError::Missing { .. }) => Ok(()),
                created => created.map(drop),
            }
        };
        match act {
            Act::Fire => store.fire_due(now(), LIMITS, 100).await.map(drop),
            Act::ChangeSchedule => {
                let patch = SchedulePatch {
                    cron: Some(HALF_PAST.into()),
                    ..SchedulePatch::default()
                };
                let changed = store.update_schedule(org, self.schedule, &patch, LIMITS, now());
                changed.await.map(drop)
            }
            Act::ChangeOwn => {
                let change = TriggerPatch {
                    cron: Some(HALF_PAST.into()),
                    ..TriggerPatch::default()
                };
                patch(self.own, change).await
            }
            Act::SwitchFollower => {
                let change = TriggerPatch {
                    enabled: Some(true),
                    ..TriggerPatch::default()
                };
                patch(self.follower, change).await
            }
            Act::Unfollow => {
                let change = TriggerPatch {
                    cron: Some(HALF_PAST.into()),
                    timezone: Some("UTC".into()),
                    ..TriggerPatch::default()
                };
                patch(self.follower, change).await
            }
            Act::DeleteOwn => {
                let deleted = store.delete_trigger(org, self.own, LIMITS, now());
                deleted.await.map(drop)
            }
            Act::DeleteAutomation => {
                let deleted = store.delete_automation(org, self.automation, LIMITS, now());
                deleted.await.map(drop)
            }
            Act::CreateSchedule => {
                let new = schedule();
                let created = store.create_schedule(org, self.automation, &new, now());
                created.await.map(drop)
            }
            Act::CreateTrigger => create(trigger(self.automation, None)).await,
            Act::CreateFollower => create(trigger(self.automation, Some(self.schedule))).await,
            Act::RunByHand => {
                let run = store.run_manually(org, self.automation, "{}".into(), now());
                run.await.map(drop)
            }
        }
    }

    /// When a trigger is due next; none if it is gone.
    async fn next(&self, id: TriggerId) -> Option<Timestamp> {
        let trigger = self.store.trigger(&org(), id).await.unwrap();
        trigger.and_then(|(trigger, _)| trigger.next_tick_at)
    }
}

/// How many of this database wait for a lock.
async fn waiting(db: &TestDb) -> i64 {
    db.number(
        "select count(*) from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'",
    )
    .await
}

/// Begins `first`, which stops where it writes to `table`; then `second`, until it waits
/// or has ended; and then lets both go on.
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
async fn whatever_meets_what_is_due_fires_it_once() {
    let (db, store) = open().await;
    for first in FIRING {
        for second in FIRING.into_iter().chain(OTHERS) {
            let scene = Scene::new(&store).await;
            meet(&db, "events", &scene, first, second).await;
            // What both left to the scheduler.
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
async fn what_is_created_while_its_automation_is_deleted_goes_with_it() {
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
async fn a_replica_fires_what_another_has_not_in_hand() {
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
    // There is nothing left for a third.
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
