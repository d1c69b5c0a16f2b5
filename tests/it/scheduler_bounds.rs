//! Ticks under stress: many missed ones, triggers that cannot be fired, a database far away.

use crate::scheduler::{LIMITS, NO_SCHEDULER, scheduled};
use serde_json::json;
use std::time::{Duration, Instant};
use triggerhouse::clock;
use triggerhouse::domain::schedule::FiringLimits;
use triggerhouse::domain::{Timestamp, TriggerId};
use triggerhouse_tests::app::text;
use triggerhouse_tests::{Kind, TestApp, TestDb, eventually, on_both};

const MINUTE: i64 = 60_000_000;

async fn minutely(app: &mut TestApp, count: usize) -> Vec<TriggerId> {
    let mut triggers = Vec::new();
    for _ in 0..count {
        let clock = json!({"cron": "* * * * *", "missed_ticks": "all"});
        let created = scheduled(app, "acme", clock).await;
        triggers.push(text(&created["trigger"]["id"]).parse().unwrap());
    }
    triggers
}

/// The last minute that has begun.
fn minute() -> i64 {
    clock::now().0 / MINUTE * MINUTE
}

/// Makes the database refuse events of a trigger.
async fn poison(db: &TestDb, trigger: TriggerId) {
    let sql = match db.kind {
        Kind::Sqlite => format!(
            "create trigger poison before insert on events
             when hex(new.trigger_id) = '{:X}' begin select raise(abort, 'poison'); end",
            trigger.0.simple()
        ),
        Kind::Postgres => format!(
            "create function poison() returns trigger language plpgsql as
                $$ begin raise 'poison'; end $$;
             create trigger poison before insert on events for each row
                when (new.trigger_id = '{}') execute function poison()",
            trigger.0
        ),
    };
    db.execute(&sql).await;
}

on_both! {
    async fn missed_ticks_of_one_trigger_fire_in_limited_transactions(db: &TestDb) {
        let mut app = TestApp::start_with(db, NO_SCHEDULER).await;
        minutely(&mut app, 2).await;
        let (due, limits) = (minute() - 100 * MINUTE, FiringLimits { missed_ticks_max: 90, events_max: 40, ..LIMITS });
        db.execute(&format!("update triggers set due_at = {due}")).await;
        let now = Timestamp(due + 100 * MINUTE + 1);
        let (mut runs, mut skips, mut transactions) = (0, 0, 0);
        loop {
            let fired = app.app.store.fire_due(now, limits, 10).await.unwrap();
            assert!(fired.runs + fired.skips.len() <= 40, "{fired:?}");
            if fired.triggers == 0 {
                break;
            }
            (runs, skips, transactions) = (runs + fired.runs, skips + fired.skips.len(), transactions + 1);
        }
        // The newest 90 missed ones, that of now, and one skip for the rest.
        assert_eq!((runs, skips), (2 * 91, 2));
        assert!(transactions <= 6, "{transactions}");
        assert_eq!(db.number("select count(distinct dedup_key) from events").await, 92);
        assert_eq!(db.number("select count(*) from runs").await, 2 * 91);
        app.stop().await;
    }

    async fn triggers_on_time_do_not_wait_for_those_that_catch_up(db: &TestDb) {
        let mut app = TestApp::start_with(db, NO_SCHEDULER).await;
        let late = minutely(&mut app, 5).await;
        let due = minute();
        db.execute(&format!("update triggers set due_at = {}", due - 60 * MINUTE)).await;
        let innocent = scheduled(&mut app, "acme", json!({"cron": "* * * * *"})).await;
        let created = db.number("select max(created_at) from triggers").await;
        db.execute(&format!("update triggers set due_at = {due} where created_at = {created}")).await;
        let now = Timestamp(due + 1_000_000);
        let fired = app.app.store.fire_on_time(now, LIMITS, 10).await.unwrap();
        assert_eq!((fired.triggers, fired.runs), (1, 1));
        let path = format!("/v1/events?trigger_id={}", text(&innocent["trigger"]["id"]));
        assert_eq!(app.all("acme", &path).await.len(), 1);
        assert_eq!(app.app.store.due_triggers(now, 10).await.unwrap().len(), late.len());
        app.stop().await;
    }

    async fn a_trigger_is_put_off_alone_and_its_ticks_are_not_lost(db: &TestDb) {
        let mut app = TestApp::start_with(db, NO_SCHEDULER).await;
        let triggers = minutely(&mut app, 3).await;
        let due = minute();
        db.execute(&format!("update triggers set due_at = {due}")).await;
        let (store, now) = (&app.app.store, Timestamp(due + 1_000_000));
        let until = Timestamp(due + 3 * MINUTE + 1);
        assert!(store.put_off_tick(triggers[1], now, until).await.unwrap());
        assert!(!store.put_off_tick(triggers[1], now, until).await.unwrap(), "it is not due");
        let left = store.due_triggers(now, 10).await.unwrap();
        assert_eq!(left, [triggers[0], triggers[2]]);
        let fired = store.fire_due(now, LIMITS, 10).await.unwrap();
        assert_eq!((fired.triggers, fired.runs), (2, 2));
        let fired = store.fire_due(until, LIMITS, 10).await.unwrap();
        assert_eq!(fired.triggers, 3);
        let each = "select min(n) * 100 + max(n) from (select count(*) as n from runs group by trigger_id) as counts";
        assert_eq!(db.number(each).await, 404, "every tick of every trigger");
        app.stop().await;
    }

    async fn a_trigger_that_the_database_refuses_holds_up_no_other(db: &TestDb) {
        let mut app = TestApp::start_with(db, NO_SCHEDULER).await;
        let triggers = minutely(&mut app, 20).await;
        poison(db, triggers[7]).await;
        let due = minute();
        db.execute(&format!("update triggers set due_at = {due}")).await;
        let scheduler = TestApp::start_with(db, "roles = ['scheduler']\n[scheduler]\npoll_ms = 50").await;
        let fired = "select count(distinct trigger_id) from runs";
        eventually("the others fire", async || db.number(fired).await == 19).await;
        let put_off = "select count(*) from triggers where due_since is not null";
        eventually("it is put off", async || db.number(put_off).await == 1).await;
        assert_eq!(db.number(&format!("select count(*) from triggers where due_since = {due}")).await, 1);
        scheduler.stop().await;
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_crons_catch_up_two_hours_over_a_slow_wire_and_an_innocent_one_is_on_time() {
    let db = TestDb::create(Kind::Postgres).await;
    let mut app = TestApp::start_with(&db, NO_SCHEDULER).await;
    minutely(&mut app, 100).await;
    let due = minute() - 120 * MINUTE;
    db.execute(&format!("update triggers set due_at = {due}"))
        .await;
    let innocent = scheduled(&mut app, "acme", json!({"cron": "* * * * * *"})).await;
    let innocent: TriggerId = text(&innocent["trigger"]["id"]).parse().unwrap();
    app.stop().await;

    // 2 ms there and back.
    let (by_wire, _wire) = db.over_wire(Duration::from_millis(1)).await;
    let begun = Instant::now();
    let scheduler = TestApp::start_with(&by_wire, "roles = ['scheduler']").await;
    let ready = clock::now();
    // A hundred missed ticks each, that of now, and maybe one more.
    let runs = format!(
        "select count(*) from runs where trigger_id <> '{}'",
        innocent.0
    );
    eventually("all have caught up", async || {
        db.number(&runs).await >= 100 * 101
    })
    .await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    scheduler.stop().await;
    let late = format!(
        "select coalesce(max(created_at - occurred_at), 0) from events
         where trigger_id = '{}' and occurred_at > {}",
        innocent.0, ready.0
    );
    let late = db.number(&late).await;
    assert!(late < 2_000_000, "{late} µs");
    db.remove().await;
}
