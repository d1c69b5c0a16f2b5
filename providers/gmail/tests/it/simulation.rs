//! Months of a mailbox in a second. Messages arrive, vanish and change labels; records are late
//! or repeated; the history expires; any request may fail; pages are lost before they are
//! stored; each poll may have another limit; some services enforce a quota. In the end the set
//! of dedup keys equals the set of messages that arrived after the first poll and were not
//! deleted before the fetch.
//!
//! A random seed determines each run, and a failure names it.

use super::*;
use std::collections::{BTreeMap, BTreeSet};
use triggerhouse_provider_gmail::api::PAGE_SIZE;
use triggerhouse_provider_gmail::cursor::OVERLAP_MS;

/// The maximum delay of a record.
const OVERLAP_S: u64 = OVERLAP_MS / 1_000;

/// The totals of one run.
#[derive(Debug, Default)]
struct Totals {
    received: usize,
    vanished: usize,
    events: usize,
    polls: usize,
    lost_pages: usize,
    errors: usize,
    expiries: usize,
    late: usize,
    refused: u64,
    pauses: usize,
}

/// Small, and the same everywhere: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

struct Simulation {
    random: Random,
    host: Host,
    /// Messages since the first poll: their keys and times of arrival.
    expected: BTreeMap<String, u64>,
    /// Deleted messages, whether fetched before or not.
    vanished: BTreeSet<String>,
    /// The keys in stored pages.
    keys: BTreeSet<String>,
    totals: Totals,
}

fn key(id: &str) -> String {
    format!("gmail:me@example.com:{id}")
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let mut host = Host::new();
        for _ in 0..random.below(50) {
            host.gmail().receive(draft("before"));
        }
        host.wait(1);
        host.gmail().empty_pages = random.percent(30);
        // Every third mailbox has a quota and a slow service.
        if seed.is_multiple_of(3) {
            host.settings = json!({});
            host.gmail().units_per_minute = Some(6_000);
            host.service.latency_ms.set(random.below(100));
        }
        let mut simulation = Self {
            random,
            host,
            expected: BTreeMap::new(),
            vanished: BTreeSet::new(),
            keys: BTreeSet::new(),
            totals: Totals::default(),
        };
        simulation.host.poll().unwrap();
        simulation
    }

    fn step(&mut self) {
        // Usually a few messages, sometimes more than the cursor remembers.
        let burst = self.random.percent(5);
        let count = if burst { 900 } else { 6 };
        if burst {
            self.host.wait(OVERLAP_S);
        }
        for _ in 0..self.random.below(count) {
            self.arrive(!burst);
            if self.random.percent(5) {
                self.host.wait(1);
            }
        }
        self.meddle();
        for _ in 0..1 + self.random.below(3) {
            self.poll();
        }
        let seconds = [1, 20, 60, 60, 60, 3_600, 90_000][self.random.below(7) as usize];
        self.host.wait(if burst { OVERLAP_S } else { seconds });
    }

    fn arrive(&mut self, late: bool) {
        // Within the overlap, and not within a burst: the cursor may lose later records, as
        // its documentation says.
        let late_ms = if late && self.random.percent(20) {
            self.random.below(240_000)
        } else {
            0
        };
        let labels: &[&str] = match self.random.below(10) {
            0 => &["SENT"],
            1 => &["Label_7"],
            _ => &["INBOX", "UNREAD"],
        };
        let message = || Draft {
            late_ms,
            ..draft("x").labelled(labels)
        };
        let count = if self.random.percent(3) {
            1 + self.random.below(4)
        } else {
            1
        };
        let ids = self.host.gmail().receive_all((0..count).map(|_| message()));
        let now_ms = self.host.gmail().now_ms;
        self.totals.late += usize::from(late_ms > 0) * ids.len();
        self.expected.extend(ids.iter().map(|id| (key(id), now_ms)));
        if self.random.percent(5) {
            self.host.gmail().repeat(&ids[0]);
        }
    }

    /// Changes messages as people do, and the history as Google does.
    fn meddle(&mut self) {
        let recent: Vec<String> = self.expected.keys().rev().take(40).cloned().collect();
        for key in recent {
            let id = key.rsplit(':').next().unwrap();
            if self.random.percent(3) {
                self.host.gmail().delete(id);
                self.vanished.insert(key.clone());
            } else if self.random.percent(3) {
                self.host.gmail().relabel(id, &["STARRED"], &["UNREAD"]);
            }
        }
        if self.random.percent(4) {
            self.host.gmail().expire_history();
            self.totals.expiries += 1;
        }
    }

    fn poll(&mut self) {
        self.host.limit = [1, 2, 25, 100, 500][self.random.below(5) as usize];
        for _ in 0..self.random.below(60) {
            self.totals.polls += 1;
            let faults = self.faults();
            self.host.gmail().faults = faults.into();
            let allowed = if self.random.percent(5) {
                1 + self.random.below(6) as u32
            } else {
                32
            };
            self.host.service.allowed.set(allowed);
            let page = match self.host.try_poll() {
                Ok(page) => page,
                Err(PollError::InvalidCursor(text)) => panic!("{text}"),
                Err(PollError::RateLimited(Some(_))) => {
                    self.totals.pauses += 1;
                    break;
                }
                Err(_) => {
                    self.totals.errors += 1;
                    break;
                }
            };
            if self.random.percent(10) {
                self.totals.lost_pages += 1;
                continue;
            }
            self.store(&page);
            if !page.more {
                break;
            }
        }
        self.host.gmail().faults.clear();
    }

    fn faults(&mut self) -> Vec<Option<Fault>> {
        let mut faults = Vec::new();
        for _ in 0..32 {
            faults.push(self.random.percent(2).then(|| match self.random.below(8) {
                0 => Fault::Unauthorized,
                1 => Fault::Forbidden("rateLimitExceeded"),
                2 => Fault::TooManyRequests(Some("7".into())),
                3 => Fault::TooManyRequests(None),
                4 => Fault::Server(500),
                5 => Fault::Body(b"<html>".to_vec()),
                6 => Fault::BadRequest("invalidArgument"),
                _ => Fault::Slow,
            }));
        }
        faults
    }

    fn store(&mut self, page: &PollPage) {
        self.host.cursor = Some(page.cursor.clone());
        assert!(page.cursor.len() < 64 * 1024, "{} bytes", page.cursor.len());
        self.totals.events += page.events.len();
        let keys = page.events.iter().map(|event| event.dedup_key.clone());
        self.keys.extend(keys);
    }

    /// Ends the run: late records appear, and polls read everything.
    fn settle(mut self) -> Totals {
        self.host.limit = 500;
        self.host.service.allowed.set(u32::MAX);
        // A quota takes more minutes.
        let minutes = 8 + 2 * self.expected.len() / 250;
        for _ in 0..minutes {
            self.host.wait(60);
            loop {
                let page = match self.host.poll_page() {
                    Err(PollError::RateLimited(Some(_))) => break,
                    page => page.unwrap(),
                };
                self.store(&page);
                if !page.more {
                    break;
                }
            }
        }
        let lost: Vec<_> = self
            .expected
            .iter()
            .filter(|(key, _)| !self.vanished.contains(*key) && !self.keys.contains(*key))
            .collect();
        assert!(lost.is_empty(), "{} lost: {:?}", lost.len(), lost.first());
        let strange = self
            .keys
            .iter()
            .find(|key| !self.expected.contains_key(*key));
        assert_eq!(strange, None, "never arrived after the first poll");
        // Lost pages and resyncs fetch messages again.
        let calls = self.host.gmail().calls;
        let resyncs = 1_000 * (1 + self.totals.expiries as u64);
        let (received, polls) = (self.expected.len() as u64, self.totals.polls as u64 + 2_000);
        assert!(
            calls.get <= 2 * received + resyncs,
            "{calls:?} for {received}"
        );
        assert!(
            calls.profile <= polls && calls.history + calls.list <= 2 * polls,
            "{calls:?} in {polls}"
        );
        self.totals.received = self.expected.len();
        self.totals.vanished = self.vanished.len();
        self.totals.refused = calls.refused;
        self.totals
    }
}

fn run(seed: u64, steps: usize) -> Totals {
    let mut simulation = Simulation::new(seed);
    for _ in 0..steps {
        simulation.step();
    }
    simulation.settle()
}

#[test]
fn no_message_is_lost_and_none_is_invented_in_any_trouble() {
    let mut sum = Totals::default();
    for seed in 0..30 {
        let totals = std::panic::catch_unwind(|| run(seed, 50));
        let totals = totals.unwrap_or_else(|_| panic!("seed {seed}"));
        sum.received += totals.received;
        sum.vanished += totals.vanished;
        sum.events += totals.events;
        sum.polls += totals.polls;
        sum.lost_pages += totals.lost_pages;
        sum.errors += totals.errors;
        sum.expiries += totals.expiries;
        sum.late += totals.late;
        sum.refused += totals.refused;
        sum.pauses += totals.pauses;
    }
    println!("{sum:?}");
    // The runs must contain enough trouble.
    assert!(sum.received > 20_000 && sum.vanished > 500 && sum.late > 300);
    assert!(sum.lost_pages > 400 && sum.errors > 300 && sum.expiries > 30);
    // Refusals follow from lost pages, whose units are forgotten.
    assert!(sum.pauses > 100 && sum.refused > 0);
}

#[test]
fn without_faults_every_message_is_fetched_once_and_calls_stay_within_their_bound() {
    for seed in 0..10 {
        let mut random = Random(1_000 + seed);
        let mut host = connected();
        if seed % 2 == 0 {
            host.settings = json!({});
            host.gmail().units_per_minute = Some(6_000);
            host.service.latency_ms.set(random.below(100));
        }
        let (mut received, mut polls, mut keys) = (0, 1, BTreeSet::new());
        for _ in 0..200 {
            let burst = random.percent(2);
            if burst {
                host.wait(OVERLAP_S);
            }
            let count = if burst { 900 } else { 8 };
            for _ in 0..random.below(count) {
                let late_ms = if !burst && random.percent(5) {
                    100_000
                } else {
                    0
                };
                host.gmail().receive(Draft {
                    late_ms,
                    ..draft("x")
                });
                received += 1;
            }
            host.limit = 1 + random.below(500) as u32;
            loop {
                let page = match host.poll_page() {
                    Err(PollError::RateLimited(Some(_))) => break,
                    page => page.unwrap(),
                };
                polls += 1;
                for event in page.events {
                    assert!(keys.insert(event.dedup_key), "fetched twice");
                }
                if !page.more {
                    break;
                }
            }
            host.wait(if burst { OVERLAP_S } else { 60 });
        }
        for _ in 0..6 {
            host.wait(120);
            for event in host.poll().unwrap() {
                assert!(keys.insert(event.dedup_key), "fetched twice");
            }
        }
        let calls = host.gmail().calls;
        assert_eq!(keys.len() as u64, received);
        assert_eq!(calls.get, received, "seed {seed}");
        // One page for each scan, and one for each full page of records. The overlap may add
        // up to three.
        let pages = 206 + 4 * received.div_ceil(u64::from(PAGE_SIZE));
        assert!(calls.history <= pages, "{calls:?}");
        assert!(calls.profile <= polls + 6 && calls.list == 0 && calls.failed == 0);
        assert_eq!(calls.refused, 0, "seed {seed}");
    }
}
