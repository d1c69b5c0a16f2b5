//! The plans of the outbox's statements, on a filled Postgres that has old statistics.
//!
//! Postgres itself says how it ran each of them: `auto_explain` sends the plans as notices.

use super::{T0, org};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use triggerhouse::domain::sink::SinkAddress;
use triggerhouse::domain::{OrgId, OutboxStatus, RunId, SinkId};
use triggerhouse::store::{
    NewSink, PageRequest, Store, StoreOptions, UndeliveredChange, UndeliveredFilter,
};
use triggerhouse_tests::db::release;
use triggerhouse_tests::{Kind, TestDb};

const LEASE: Duration = Duration::from_secs(60);
/// Rows of each table, of which one in 100 belongs to this organization.
const ROWS: u32 = 200_000;
const FIRST: PageRequest = PageRequest {
    limit: 50,
    before: None,
};

/// Notices of Postgres.
#[derive(Clone, Default)]
struct Notices(Arc<Mutex<Vec<u8>>>);

impl Write for Notices {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Notices {
    /// Collects the notices of this thread as long as the guard lives.
    fn collect() -> (Self, impl Sized + use<>) {
        let notices = Self::default();
        let writer = notices.clone();
        let log = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
            .with_writer(move || writer.clone());
        let guard = tracing::subscriber::set_default(log.finish());
        (notices, guard)
    }

    fn take(&self) -> String {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(std::mem::take(&mut *all)).unwrap()
    }
}

/// A store whose every statement is explained.
async fn explained(db: &TestDb) -> Store {
    let settings = [
        ("session_preload_libraries", "auto_explain"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_level", "notice"),
        ("auto_explain.log_analyze", "on"),
        ("auto_explain.log_buffers", "on"),
        ("auto_explain.log_timing", "off"),
    ];
    let settings = settings.map(|(name, value)| format!("options[{name}]={value}"));
    let url = format!("{}?{}", db.url, settings.join("&"));
    let options = StoreOptions {
        connections_max: 2,
        ..StoreOptions::default()
    };
    Store::open(&url, &options).await.unwrap()
}

/// A database with many settled messages, dead letters and runs, whose statistics are from
/// before the last burst: nothing was due then.
async fn filled() -> TestDb {
    let db = TestDb::create(Kind::Postgres).await;
    let store = db.store().await;
    store
        .create_key(&org(), "test", b"hash", "hint", T0)
        .await
        .unwrap();
    let org = org();
    let (dispatched, failed) = (OutboxStatus::Dispatched, OutboxStatus::Failed);
    let t0 = T0.0;
    db.execute(&format!(
        "alter table outbox set (autovacuum_enabled = off);
         alter table runs set (autovacuum_enabled = off);
         insert into outbox (id, org_id, kind, run_id, payload, status, attempt, created_at, processed_at)
         select id, case when n % 100 = 0 then '{org}' else 'other-' || n % 100 end, 'k', id, '{{}}',
            case when n % 1000 = 0 then '{failed}' else '{dispatched}' end, 1, {t0} + n, {t0} + n
         from (select n, gen_random_uuid() as id from generate_series(1, {ROWS}) n) as rows;
         insert into runs (id, org_id, automation_id, event_id, trigger_id, status, status_reason, attempt, created_at)
         select id, org_id, id, id, id, 'failed', 'not_handed_over', 0, created_at from outbox"
    ))
    .await;
    db.execute("vacuum analyze outbox").await;
    db.execute("vacuum analyze runs").await;
    burst(&db, &org, 20_000).await;
    burst(&db, &"other-1".parse().unwrap(), 20_000).await;
    db
}

/// Messages that are due at once, 500 a second.
async fn burst(db: &TestDb, org: &OrgId, count: u32) {
    let pending = OutboxStatus::Pending;
    let (t0, day) = (T0.0, 24 * 60 * LEASE.as_micros());
    db.execute(&format!(
        "insert into outbox (id, org_id, kind, run_id, payload, status, attempt, due_at, created_at)
         select id, '{org}', 'k', id, '{{}}', '{pending}', 0, {t0} - {day} + n * 2000, {t0} + n
         from (select n, gen_random_uuid() as id from generate_series(1, {count}) n) as rows;
         insert into runs (id, org_id, automation_id, event_id, trigger_id, status, attempt, created_at)
         select id, org_id, id, id, id, 'queued', 0, created_at from outbox where due_at is not null
         on conflict do nothing"
    ))
    .await;
}

/// The rows that each sort in these plans sorted.
fn sorted(plans: &str) -> Vec<f64> {
    let lines: Vec<&str> = plans.lines().collect();
    let sorts = lines.iter().filter(|line| {
        line.contains("->  Sort ") || line.contains("Incremental Sort") || line.starts_with("Sort ")
    });
    sorts
        .map(|line| {
            let rows = line.split("(actual rows=").nth(1).unwrap_or("1e9 ");
            rows.split(' ').next().unwrap().parse().unwrap()
        })
        .collect()
}

/// The blocks that the first statement in these plans looked at.
fn blocks(plans: &str) -> u64 {
    let line = plans
        .lines()
        .find(|line| line.trim().starts_with("Buffers:"));
    let line = line.unwrap_or_else(|| panic!("no buffers: {plans}"));
    let numbers = line
        .split([' ', '='])
        .filter_map(|word| word.parse::<u64>().ok());
    numbers.sum()
}

#[tokio::test]
async fn no_statement_of_the_outbox_scans_or_sorts_a_table() {
    let db = filled().await;
    let (notices, _guard) = Notices::collect();
    let store = explained(&db).await;
    let org = org();
    let mut all = String::new();
    // More often than it takes Postgres to change to a plan for any parameters.
    for round in 0..8 {
        let now = T0 + Duration::from_secs(round);
        let check = |what: &str| {
            let plans = notices.take();
            assert!(plans.contains("Query Text"), "{what}: {plans}");
            for table in ["outbox", "runs"] {
                assert!(
                    !plans.contains(&format!("Seq Scan on {table}")),
                    "{what}: {plans}"
                );
            }
            let sorted = sorted(&plans);
            assert!(
                sorted.iter().all(|rows| *rows <= 1_000.0),
                "{what} sorts {sorted:?}: {plans}"
            );
            plans
        };
        let claimed = store
            .claim_messages(&org, now, LEASE, 100, 20)
            .await
            .unwrap();
        assert_eq!(claimed.len(), 100);
        all += &check("claim");
        let [one, two, three] = [0, 1, 2].map(|at| (claimed[at].id, claimed[at].lease_token));
        store
            .ack_message(&org, one.0, one.1, LEASE, now)
            .await
            .unwrap();
        all += &check("ack");
        let soon = Some(now + LEASE);
        store
            .nack_message(&org, two.0, two.1, soon, Some("no"), now)
            .await
            .unwrap();
        all += &check("nack");
        store
            .nack_message(&org, three.0, three.1, None, Some("no"), now)
            .await
            .unwrap();
        all += &check("bury");
        store.message_attempt(&org, one.0).await.unwrap();
        store.hand_off(&org, RunId(one.0.0)).await.unwrap();
        all += &check("read");
        let orgs: Vec<OrgId> = (0..100)
            .map(|n| format!("other-{n}").parse().unwrap())
            .collect();
        assert_eq!(store.organizations_due(&orgs, now).await.unwrap().len(), 1);
        all += &check("due");
        for status in [
            None,
            Some(OutboxStatus::Failed),
            Some(OutboxStatus::Dispatched),
        ] {
            store.list_messages(&org, status, FIRST).await.unwrap();
            all += &check(&format!("list {status:?}"));
        }
        let change = UndeliveredChange::Retry;
        let filter = UndeliveredFilter::default();
        let dead = store.undelivered(&org, change, filter, 200).await.unwrap();
        assert!(dead.len() > 100);
        all += &check("undelivered");
        for change in [UndeliveredChange::Retry, UndeliveredChange::Discard] {
            let at = usize::from(change == UndeliveredChange::Discard);
            store
                .change_undelivered(&org, dead[at], change, "somebody", now)
                .await
                .unwrap();
            all += &check("change");
        }
        store.time_out_runs(now, 100, "finalizer").await.unwrap();
        all += &check("finalize");
        store.backlog(now).await.unwrap();
        notices.take();
    }
    assert!(all.contains("outbox_due_id") && all.contains("outbox_settled"));
    let stream = SinkAddress::Redis {
        stream: "runs".into(),
    };
    let sink = NewSink {
        id: SinkId::new(),
        address: stream,
        secret: None,
    };
    store.create_sink(&org, &sink, T0).await.unwrap();
    for round in 0..8 {
        notices.take();
        let dispatch = store
            .claim_dispatch(sink.id, T0, LEASE, 10, 20)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(dispatch.messages.len(), 10);
        let plans = notices.take();
        let is_bad = plans.contains("Seq Scan on outbox") || plans.contains("Seq Scan on runs");
        assert!(
            !is_bad && sorted(&plans).iter().all(|rows| *rows <= 10.0),
            "{round}: {plans}"
        );
    }
    store.close().await;
    db.remove().await;
}

#[tokio::test]
async fn a_held_snapshot_makes_no_claim_read_what_was_settled() {
    const SETTLED: usize = 20_000;
    let db = filled().await;
    let (notices, _guard) = Notices::collect();
    let store = explained(&db).await;
    let org = org();
    // As a dump does: nothing that is settled from now on can be cleaned up.
    let held = db
        .hold("set transaction isolation level repeatable read; select count(*) from outbox")
        .await;
    // All of them were written by then.
    let now = T0 + LEASE;
    let claim = async |max| {
        notices.take();
        let claimed = store
            .claim_messages(&org, now, LEASE, max, 20)
            .await
            .unwrap();
        (claimed, notices.take())
    };
    let (_, plans) = claim(10).await;
    let before = blocks(&plans);
    let mut settled = 10;
    while settled < SETTLED - 100 {
        settled += claim(1_000.min(u32::try_from(SETTLED - 100 - settled).unwrap()))
            .await
            .0
            .len();
    }
    let mut seen = Vec::new();
    for _ in 0..5 {
        let (claimed, plans) = claim(10).await;
        assert_eq!(claimed.len(), 10);
        seen.push(blocks(&plans));
    }
    // One of them may have been the look from the very start.
    let least = *seen.iter().min().unwrap();
    assert!(
        least <= before * 2,
        "{before} blocks before, {seen:?} after {SETTLED} messages"
    );
    release(held).await;
    store.close().await;
    db.remove().await;
}
