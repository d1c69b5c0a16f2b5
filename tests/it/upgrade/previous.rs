//! A replica of the previous version, by its recorded statements, beside a new replica that
//! migrates.

use serde_json::json;
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use sqlx::{Connection, postgres::PgRow};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use triggerhouse_tests::{Kind, TestApp, TestDb, eventually, on_both};
use uuid::Uuid;

/// The newest migration of the previous version.
const PREVIOUS: i64 = 9;
/// The recorded statements of the previous version.
const STATEMENTS: &str = include_str!("version_0009.sql");
/// The longest that one of its statements may wait for a migration.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Brings a database to the schema of the previous version.
pub async fn migrate_to_previous(db: &TestDb) {
    let engine = match db.kind {
        Kind::Postgres => "postgres",
        Kind::Sqlite => "sqlite",
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let migrator = Migrator::new(root.join(engine)).await.unwrap();
    match db.kind {
        Kind::Postgres => {
            let mut connection = PgConnection::connect(&db.url).await.unwrap();
            migrator.run_to(PREVIOUS, &mut connection).await.unwrap();
        }
        Kind::Sqlite => {
            let url = format!("{}?mode=rwc", db.url);
            let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
            migrator.run_to(PREVIOUS, &mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

/// An organization with a trigger.
async fn populate(db: &TestDb, trigger: Uuid, automation: Uuid) {
    let id = |id: Uuid| match db.kind {
        Kind::Postgres => format!("'{id}'"),
        // On SQLite an id is its bytes.
        Kind::Sqlite => format!("x'{}'", id.simple()),
    };
    let (trigger, automation) = (id(trigger), id(automation));
    db.execute(&format!(
        "insert into organizations (id, created_at) values ('acme', 0);
         insert into automations (id, org_id, name, enabled, created_at, updated_at)
            values ({automation}, 'acme', 'a', true, 0, 0);
         insert into triggers (id, org_id, automation_id, name, provider, kind, config, enabled,
                token, created_at, updated_at)
            values ({trigger}, 'acme', {automation}, 't', 'echo', 'webhook', '{{}}', true,
                'token', 0, 0)"
    ))
    .await;
}

fn statement(name: &str) -> AssertSqlSafe<String> {
    let start = format!("-- {name}\n");
    let (_, rest) = STATEMENTS.split_once(&start).unwrap();
    let (sql, _) = rest.split_once(';').unwrap();
    AssertSqlSafe(sql.to_owned())
}

fn now() -> i64 {
    triggerhouse::clock::now().0
}

/// One replica of the previous version: it accepts, claims and settles.
struct PreviousReplica {
    connection: PgConnection,
    trigger: Uuid,
    automation: Uuid,
    longest: Duration,
}

impl PreviousReplica {
    async fn new(db: &TestDb, trigger: Uuid, automation: Uuid) -> Self {
        Self {
            connection: PgConnection::connect(&db.url).await.unwrap(),
            trigger,
            automation,
            longest: Duration::ZERO,
        }
    }

    async fn accept(&mut self, key: &str) {
        let begun = Instant::now();
        // The new version may process it as well.
        let body = json!({"events": [{"dedup_key": key, "kind": "test"}]}).to_string();
        let insert = sqlx::query(statement("accept"))
            .bind([Uuid::now_v7()])
            .bind(["acme"])
            .bind(["echo"])
            .bind(["token"])
            .bind([self.trigger])
            .bind([None::<Uuid>])
            .bind([key])
            .bind([Uuid::new_v4()])
            .bind(["[]"])
            .bind([""])
            .bind([body.as_bytes()])
            .bind([0_i16])
            .bind([now()])
            .bind([now()])
            .bind(["pending"])
            .bind([0_i32]);
        let inserted = insert.fetch_all(&mut self.connection).await.unwrap();
        assert_eq!(inserted.len(), 1);
        self.longest = self.longest.max(begun.elapsed());
    }

    /// Claims and settles what is due; the number of deliveries.
    async fn work(&mut self) -> usize {
        let begun = Instant::now();
        let claim = sqlx::query(statement("claim"))
            .bind(now())
            .bind(16_i64)
            .bind("processing")
            .bind(now() + 60_000_000);
        let claimed = claim.fetch_all(&mut self.connection).await.unwrap();
        for delivery in &claimed {
            self.settle(delivery).await;
        }
        self.longest = self.longest.max(begun.elapsed());
        claimed.len()
    }

    async fn settle(&mut self, delivery: &PgRow) {
        let (id, attempt): (Uuid, i32) = (delivery.get("id"), delivery.get("attempt"));
        let (event, run) = (Uuid::now_v7(), Uuid::now_v7());
        let settle = sqlx::query(statement("settle"))
            .bind([event])
            .bind([id])
            .bind(["acme"])
            .bind([self.trigger])
            .bind([self.automation])
            .bind(["queued"])
            .bind(["test"])
            .bind([id.to_string()])
            .bind([true])
            .bind(["A title"])
            .bind([None::<&str>])
            .bind([None::<&str>])
            .bind([None::<i64>])
            .bind(["{}"])
            .bind([None::<&str>])
            .bind([None::<&str>])
            .bind([None::<Uuid>])
            .bind([None::<i64>])
            .bind([now()])
            .bind([attempt])
            .bind([run])
            .bind([event])
            .bind(["{}"])
            .bind("queued")
            .bind("enqueue_enrich")
            .bind("pending")
            .bind([id])
            .bind([attempt])
            .bind(["completed"])
            .bind(["1 run"])
            .bind([None::<&str>])
            .bind([None::<i64>])
            .bind([now()])
            .bind([None::<&str>])
            .bind([None::<Uuid>])
            .bind([None::<&str>])
            .bind("processing");
        settle.fetch_one(&mut self.connection).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_previous_version_goes_on_while_a_new_one_migrates() {
    let db = Arc::new(TestDb::create(Kind::Postgres).await);
    migrate_to_previous(&db).await;
    let (trigger, automation) = (Uuid::now_v7(), Uuid::now_v7());
    populate(&db, trigger, automation).await;
    let stop = Arc::new(AtomicBool::new(false));
    let replicas: Vec<_> = (0..3)
        .map(|replica| {
            let (db, stop) = (Arc::clone(&db), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut old = PreviousReplica::new(&db, trigger, automation).await;
                let mut accepted = 0_i64;
                while !stop.load(Ordering::Relaxed) {
                    old.accept(&format!("{replica}-{accepted}")).await;
                    accepted += 1;
                    old.work().await;
                }
                (accepted, old.longest)
            })
        })
        .collect();
    let runs = "select count(*) from runs";
    eventually("work of the previous version", async || {
        db.number(runs).await > 20
    })
    .await;

    let mut app = TestApp::start(&db).await;
    let before = db.number(runs).await;
    eventually("both versions to work side by side", async || {
        db.number(runs).await > before + 20
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    let mut accepted = 0;
    for replica in replicas {
        let (count, longest) = replica.await.unwrap();
        accepted += count;
        assert!(longest < WAIT_MAX, "{longest:?}");
    }
    app.settled().await;
    assert_eq!(app.all("acme", "/v1/inbox").await.len() as i64, accepted);
    let failed = "select count(*) from inbox where status <> 'completed'";
    assert_eq!(db.number(failed).await, 0);
    assert_eq!(db.number(runs).await, accepted, "one run each");
    app.stop().await;
    db.remove().await;
}

on_both! {
    async fn what_the_previous_version_left_is_finished_by_the_new_one(db: &TestDb) {
        migrate_to_previous(db).await;
        let (trigger, automation) = (Uuid::now_v7(), Uuid::now_v7());
        populate(db, trigger, automation).await;
        // On SQLite an id is its bytes.
        let id = |id: Uuid| match db.kind {
            Kind::Postgres => format!("'{id}'"),
            Kind::Sqlite => format!("x'{}'", id.simple()),
        };
        let body = json!({"events": [{"dedup_key": "k", "kind": "test"}]}).to_string();
        let body = match db.kind {
            Kind::Postgres => format!("convert_to('{body}', 'UTF8')"),
            Kind::Sqlite => format!("cast('{body}' as blob)"),
        };
        // One waits, one was being processed when its worker was replaced.
        for (status, attempt) in [("pending", 0), ("processing", 1)] {
            db.execute(&format!(
                "insert into inbox (id, org_id, provider, route, trigger_id, headers, query, body,
                    body_codec, status, attempt, due_at, received_at)
                 values ({}, 'acme', 'echo', 'token', {}, '[]', '', {body}, 0, '{status}', {attempt},
                    1, 1)",
                id(Uuid::now_v7()),
                id(trigger),
            ))
            .await;
        }
        let mut app = TestApp::start(db).await;
        // The new version takes in what the old one left, and then processes it.
        let completed = "select count(*) from inbox where status = 'completed'";
        eventually("two deliveries", async || db.number(completed).await == 2).await;
        let deliveries = app.all("acme", "/v1/inbox").await;
        assert_eq!(deliveries.len(), 2);
        assert!(deliveries.iter().all(|delivery| delivery["status"] == "completed"), "{deliveries:?}");
        assert_eq!(app.all("acme", "/v1/runs").await.len(), 1, "both are the same event");
        app.stop().await;
    }
}
