//! Ingress and drain, each in turns with its limit; and the server when idle.

use std::time::{Duration, Instant};

use crate::database::{Engine, now};
use crate::latency::Latency;
use crate::limit::{Settled, settle, writer};
use crate::load::Load;
use crate::say;
use crate::settings::Settings;
use crate::subject::Subject;
use crate::table::{Pair, Table, median};

/// Rare enough to cost the server next to nothing.
const DRAIN_PAUSE: Duration = Duration::from_millis(200);

/// The end of a drain.
struct Drain {
    backlog: u64,
    /// Deliveries that were left when the time was over.
    left: u64,
    rows_per_s: f64,
}

/// One turn: every measurement right after its limit.
struct Turn {
    writer: Load,
    ingress: Load,
    settle: Settled,
    drain: Drain,
}

/// Measures the server on a database; returns the last subject, whose outbox is full.
pub async fn measure(
    settings: &Settings,
    engine: Engine,
    table: &mut Table,
) -> anyhow::Result<Subject> {
    let name = engine.name();
    let label = name.to_lowercase();
    let mut subject = Subject::create(settings, engine, &format!("{label}_idle")).await?;
    let idle = Idle::measure(&subject, name).await?;

    let mut turns = Vec::new();
    for n in 0..settings.pairs {
        subject.remove().await?;
        subject = Subject::create(settings, engine, &format!("{label}_{n}")).await?;
        say!("{name}, turn {} of {}", n + 1, settings.pairs);
        turns.push(Turn::measure(settings, &subject, &format!("{label}_limit_{n}")).await?);
    }

    say!("{name}: ingress while workers drain");
    let running = subject.server.start().await?;
    let both = subject.load(settings, settings.connections).await?;
    say!("  {both}");
    drain(settings, &subject, both.acks).await?;
    let loaded_mb = running.memory_mb().await?;
    running.stop().await?;

    limit_rows(&turns, name, table);
    let section = format!("Triggerhouse on {name}");
    turn_rows(&turns, settings, &section, table);
    table.row(
        &section,
        "ingress while workers drain, acks/s",
        format!("{:.0}", both.acks_per_s),
        "",
    );
    load_rows(&[both], &section, "", table);
    table.row(
        &section,
        "ack to outbox when idle, p50, p99 ms",
        idle.latency.since_ack(),
        "< 10",
    );
    table.row(
        &section,
        "  from sending, p50, p99 ms",
        idle.latency.since_send(),
        "",
    );
    let ready = idle.ready.as_millis();
    table.row(&section, "ready with cached components, ms", ready, "< 300");
    let memory = format!("{}, {loaded_mb}", idle.memory_mb);
    table.row(
        &section,
        "memory idle, after the load, MB",
        memory,
        "idle < 60",
    );
    Ok(subject)
}

/// A server without load.
struct Idle {
    ready: Duration,
    memory_mb: u64,
    latency: Latency,
}

impl Idle {
    async fn measure(subject: &Subject, name: &str) -> anyhow::Result<Self> {
        say!("{name}: idle");
        let running = subject.server.start().await?;
        let memory_mb = running.memory_mb().await?;
        let latency = Latency::measure(&subject.api, &subject.hook).await?;
        let ready = running.ready;
        running.stop().await?;
        Ok(Self {
            ready,
            memory_mb,
            latency,
        })
    }
}

impl Turn {
    async fn measure(settings: &Settings, subject: &Subject, limit: &str) -> anyhow::Result<Self> {
        let engine = subject.database.engine;
        let writer = writer::measure(settings, engine, &format!("{limit}_writer")).await?;
        say!("  writer  {writer}");

        let running = subject
            .server
            .start_with(&[], &["--roles", "ingress,api"])
            .await?;
        let ingress = subject.load(settings, settings.connections).await?;
        running.stop().await?;
        say!("  ingress {ingress}");

        let settle = settle::measure(settings, engine, &format!("{limit}_settle")).await?;
        say!("  settle  {:.0} rows/s", settle.rows_per_s);

        let running = subject.server.start().await?;
        let drain = drain(settings, subject, ingress.acks).await?;
        running.stop().await?;
        say!(
            "  drain   {:.0} rows/s, {} left",
            drain.rows_per_s,
            drain.left
        );
        Ok(Self {
            writer,
            ingress,
            settle,
            drain,
        })
    }
}

/// Waits until the running server has worked off its inbox; `acked` deliveries came in.
async fn drain(settings: &Settings, subject: &Subject, acked: u64) -> anyhow::Result<Drain> {
    let started = Instant::now();
    let mut left = 0;
    while subject.store.has_work().await? {
        if started.elapsed() > settings.drain_max() {
            left = subject.store.backlog(now()).await?.inbox.waiting;
            break;
        }
        tokio::time::sleep(DRAIN_PAUSE).await;
    }
    let drained = acked.saturating_sub(left);
    Ok(Drain {
        backlog: acked,
        left,
        rows_per_s: drained as f64 / started.elapsed().as_secs_f64(),
    })
}

fn limit_rows(turns: &[Turn], name: &str, table: &mut Table) {
    let section = "Limits";
    let writers: Vec<Load> = turns.iter().map(|turn| turn.writer).collect();
    let acks = median(writers.iter().map(|load| load.acks_per_s));
    table.row(
        section,
        &format!("group-commit writer on {name}, acks/s"),
        format!("{acks:.0}"),
        "",
    );
    table.row(section, "  p50, p99 ms", percentiles(&writers), "");
    let rows = median(turns.iter().map(|turn| turn.settle.rows_per_s));
    table.row(
        section,
        &format!("SQL settle on {name}, rows/s"),
        format!("{rows:.0}"),
        "",
    );
}

fn turn_rows(turns: &[Turn], settings: &Settings, section: &str, table: &mut Table) {
    let pairs = |of: fn(&Turn) -> Pair| turns.iter().map(of).collect::<Vec<_>>();
    let ingress = pairs(|turn| Pair {
        measured: turn.ingress.acks_per_s,
        limit: turn.writer.acks_per_s,
    });
    table.compared(section, "ingress alone, acks/s", &ingress, ">= 80 %");
    let loads: Vec<Load> = turns.iter().map(|turn| turn.ingress).collect();
    load_rows(&loads, section, "p99 < 5", table);
    let drain = pairs(|turn| Pair {
        measured: turn.drain.rows_per_s,
        limit: turn.settle.rows_per_s,
    });
    table.compared(section, "drain, rows/s", &drain, ">= 35 %");
    let sum = |of: fn(&Drain) -> u64| turns.iter().map(|turn| of(&turn.drain)).sum::<u64>();
    let left = format!(
        "{}, {}",
        sum(|drain| drain.left),
        sum(|drain| drain.backlog)
    );
    let seconds = settings.drain_max().as_secs();
    table.row(section, &format!("  left after {seconds} s, of"), left, "0");
}

/// The rows below a load's acks per second; several loads of the same kind share them.
pub fn load_rows(loads: &[Load], section: &str, wanted: &str, table: &mut Table) {
    table.row(section, "  p50, p99 ms", percentiles(loads), wanted);
    let not_ok: u64 = loads.iter().map(|load| load.not_ok).sum();
    let broken: u64 = loads.iter().map(|load| load.broken).sum();
    let unclean = format!("{not_ok}, {broken}");
    table.row(
        section,
        "  not answered 200, broken connections",
        unclean,
        "0, 0",
    );
}

pub fn percentiles(loads: &[Load]) -> String {
    let p50 = median(loads.iter().map(|load| load.p50_ms));
    let p99 = median(loads.iter().map(|load| load.p99_ms));
    format!("{p50:.2}, {p99:.2}")
}
