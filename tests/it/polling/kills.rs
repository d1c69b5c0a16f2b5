//! Ten thousand messages, a failing service, and hosts that are killed between any two steps:
//! each message becomes exactly one event of each trigger that wants it.

use super::access::{grant, issuer};
use super::process::Process;
use super::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use triggerhouse_tests::gmail::{ADDRESS, Draft, Fault, Gmail};
use triggerhouse_tests::{db, eventually, redis};

const MESSAGES: usize = 10_000;
const BURST: usize = 250;
const KILLS: usize = 12;
/// Numbers of messages within a page of 25 messages and beyond it.
const REQUESTS_BEFORE_KILL: u64 = 70;
const SETTINGS: &str = "lease_seconds = 2";
const EGRESS: &str = "[egress]\ncall_ms = 1000";

/// A small random generator with the same results everywhere: splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// The messages that arrived.
#[derive(Default)]
struct Sent {
    /// The keys of messages that stay.
    all: BTreeSet<String>,
    /// The keys among them that the second trigger wants.
    invoices: BTreeSet<String>,
    count: usize,
}

impl Sent {
    /// A burst arrives: some messages late, some announced twice, some deleted at once. The
    /// service has failures.
    fn burst(&mut self, gmail: &mut Gmail, random: &mut Random) {
        for _ in 0..BURST {
            self.count += 1;
            let is_invoice = random.below(3) == 0;
            let subject = if is_invoice { "Invoice" } else { "Greetings" };
            let id = gmail.receive(Draft {
                late_ms: if random.below(50) == 0 { 150 } else { 0 },
                ..Draft::new(
                    "Ann <ann@example.com>",
                    &format!("{subject} {}", self.count),
                )
            });
            match random.below(100) {
                0 => gmail.delete(&id),
                1..4 => gmail.repeat(&id),
                _ => {}
            }
            // These are deleted before they could be fetched.
            if gmail.has(&id) {
                let key = format!("gmail:{ADDRESS}:{id}");
                if is_invoice {
                    self.invoices.insert(key.clone());
                }
                self.all.insert(key);
            }
        }
        let fault = match random.below(8) {
            0 => Fault::Server(503),
            1 => Fault::Forbidden("rateLimitExceeded"),
            2 => Fault::TooManyRequests(Some("1".into())),
            3 => Fault::TooManyRequests(None),
            4 => Fault::Slow,
            _ => return,
        };
        let usual = random.below(40) as usize;
        gmail.faults.extend(std::iter::repeat_n(None, usual));
        gmail.faults.push_back(Some(fault));
    }
}

async fn keys(db: &TestDb, trigger: &str) -> Vec<String> {
    let id = trigger.trim_start_matches("trg_");
    let id = match db.kind {
        Kind::Sqlite => format!("x'{id}'"),
        Kind::Postgres => format!("'{id}'"),
    };
    let sql = format!(
        "select dedup_key from events where trigger_id = {id} and status = 'queued' order by 1"
    );
    db.texts(&sql).await
}

on_both! {
    async fn ten_thousand_messages_become_one_event_each_while_hosts_are_killed(db: &TestDb) {
        let seed = 20_261_123;
        let mut random = Random(seed);
        let gmail = Arc::new(GmailServer::start().await);
        // Each access token revokes the one before.
        let (issuer, issued) = {
            let gmail = Arc::clone(&gmail);
            issuer(move |token| gmail.with(|gmail| gmail.token = Some(token.to_owned()))).await
        };
        let allowed = format!("[credentials]\nallow_hosts = ['{issuer}']");
        let mut app = TestApp::start_with(db, &format!("roles = ['api']\n{allowed}")).await;
        let body = json!({"provider": "gmail", "credential": grant(issuer)});
        let created = app.post("acme", "/v1/integrations", body).await;
        let integration = text(&created["integration"]["id"]);
        let every = json!({"poll_interval_seconds": 10});
        let all = trigger(&mut app, &integration, every).await;
        let config = json!({"poll_interval_seconds": 10, "config": {"subject": ["invoice"]}});
        let invoices = trigger(&mut app, &integration, config).await;
        // The next poll is due as soon as one ends.
        db.execute("update triggers set poll_interval_seconds = 0").await;
        // An embedded database has one host.
        let replicas = if db.kind == Kind::Postgres { 2 } else { 1 };
        // Killed hosts leave their Redis locks behind.
        let locks = if db.kind == Kind::Postgres { redis::shared() } else { String::new() };
        let tables = format!("{EGRESS}\n{allowed}");
        let start = async || Process::start_all(db, &gmail, SETTINGS, &tables, &locks).await;
        let mut hosts = Vec::new();
        for _ in 0..replicas {
            hosts.push(start().await);
        }
        polled_since(&mut app, &json!({})).await;

        let mut sent = Sent::default();
        let bursts_per_kill = MESSAGES / BURST / KILLS;
        for kill in 0..=KILLS {
            for _ in 0..bursts_per_kill {
                gmail.with(|gmail| sent.burst(gmail, &mut random));
            }
            if kill == KILLS {
                break;
            }
            if kill == KILLS / 2 {
                gmail.with(Gmail::expire_history);
            }
            if kill % 3 == 0 {
                gmail.with(|gmail| gmail.token = Some("nobody's".into()));
            }
            gmail.hold_after(random.below(REQUESTS_BEFORE_KILL));
            gmail.held().await;
            let victim = random.below(replicas as u64) as usize;
            hosts.swap_remove(victim).kill().await;
            gmail.release();
            hosts.push(start().await);
        }
        while sent.count < MESSAGES {
            gmail.with(|gmail| sent.burst(gmail, &mut random));
        }
        gmail.with(|gmail| gmail.faults.clear());
        let expected: Vec<String> = sent.all.iter().cloned().collect();
        let mut seen = 0;
        // A generous limit, counted from the last progress.
        loop {
            let before = seen;
            eventually("more events", async || {
                seen = keys(db, &all).await.len();
                seen > before || seen == expected.len()
            }).await;
            if seen == expected.len() {
                break;
            }
        }
        let last = group(&mut app).await;
        polled_since(&mut app, &last).await;
        assert_eq!(keys(db, &all).await, expected, "seed {seed}");
        assert_eq!(keys(db, &invoices).await, sent.invoices.iter().cloned().collect::<Vec<_>>());
        assert!(issued.load(Ordering::SeqCst) > 4, "each that was refused was renewed");
        let runs = db.number("select count(*) from runs").await;
        assert_eq!(runs as usize, sent.all.len() + sent.invoices.len());
        assert_eq!(db.number("select count(*) from outbox").await, runs);
        assert!(sent.all.len() > MESSAGES * 98 / 100);
        for host in hosts {
            host.kill().await;
        }
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_dies_while_it_settles_leaves_nothing_of_the_page() {
    let db = TestDb::create(Kind::Postgres).await;
    let gmail = GmailServer::start().await;
    let mut app = TestApp::start_with(&db, "roles = ['api']").await;
    let integration = integration(&mut app).await;
    trigger(
        &mut app,
        &integration,
        json!({"poll_interval_seconds": 3600}),
    )
    .await;
    let first = Process::start(&db, &gmail, SETTINGS, EGRESS).await;
    polled_since(&mut app, &json!({})).await;
    gmail.receive(10, "Mail");
    let before = group(&mut app).await;
    let cursor = db.texts("select cursor from poll_groups").await;
    // The write of an outbox message blocks here, after the events and runs are written.
    let blocker = db.hold("lock table outbox in share mode").await;
    app.post(
        "acme",
        &format!("/v1/poll-groups/{}/poll-now", text(&before["id"])),
        json!({}),
    )
    .await;
    let waiting =
        "select count(*) from pg_locks where not granted and relation = 'outbox'::regclass";
    eventually("a settlement under way", async || {
        db.number(waiting).await > 0
    })
    .await;
    first.kill().await;
    db::release(blocker).await;
    eventually("the end of its transaction", async || {
        db.number(waiting).await == 0
    })
    .await;
    assert_eq!(db.number("select count(*) from events").await, 0);
    assert_eq!(db.texts("select cursor from poll_groups").await, cursor);
    let second = Process::start(&db, &gmail, SETTINGS, EGRESS).await;
    polled_since(&mut app, &before).await;
    assert_eq!(app.all("acme", "/v1/events").await.len(), 10);
    assert_eq!(app.all("acme", "/v1/runs").await.len(), 10);
    second.kill().await;
    app.stop().await;
    db.remove().await;
}
