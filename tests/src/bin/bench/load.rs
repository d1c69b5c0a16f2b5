//! The load: signed deliveries over a fixed number of connections, each sending its next
//! delivery as soon as the last one was answered.
//!
//! Owns: the client. It is hand-written, because a general HTTP client would take more of the
//! cores that it shares with the server. Its threads are its own for the same reason.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::deliveries::{Deliveries, Request};

const THREADS: usize = 2;
/// A request that takes longer counts as a broken connection.
const ANSWER_MAX: Duration = Duration::from_secs(10);
const RECONNECT_PAUSE: Duration = Duration::from_millis(10);
/// No answer to a delivery is longer.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// The result of a load.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Deliveries that were answered 200.
    pub acks: u64,
    pub acks_per_s: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Answers with another status.
    pub not_ok: u64,
    /// Connections that failed or gave no answer in time.
    pub broken: u64,
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} acks/s, p50 {:.2} ms, p99 {:.2} ms, {} not answered 200, {} broken connections",
            self.acks_per_s, self.p50_ms, self.p99_ms, self.not_ok, self.broken
        )
    }
}

/// Sends for so many seconds; requests under way at the end are finished and counted.
pub async fn load(
    deliveries: &Arc<Deliveries>,
    connections: usize,
    seconds: u64,
) -> anyhow::Result<Load> {
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds);
    let threads: Vec<_> = (0..THREADS.min(connections))
        .map(|thread| {
            let deliveries = Arc::clone(deliveries);
            let mine: Vec<usize> = (thread..connections).step_by(THREADS).collect();
            tokio::task::spawn_blocking(move || send_all(&deliveries, &mine, connections, until))
        })
        .collect();
    let mut sent = Sent::default();
    for thread in threads {
        sent.add(thread.await??);
    }
    Ok(sent.result(started.elapsed()))
}

/// One thread's share of the connections.
fn send_all(
    deliveries: &Arc<Deliveries>,
    connections: &[usize],
    of: usize,
    until: Instant,
) -> anyhow::Result<Sent> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for connection in connections {
            // Each begins elsewhere, so that no two send the same body at the same time.
            let first = connection * deliveries.requests.len() / of;
            tasks.spawn(send(Arc::clone(deliveries), first, until));
        }
        let mut all = Sent::default();
        for sent in tasks.join_all().await {
            all.add(sent);
        }
        Ok(all)
    })
}

/// Requests sent, and their answers.
#[derive(Default)]
struct Sent {
    latencies_us: Vec<u32>,
    not_ok: u64,
    broken: u64,
}

impl Sent {
    fn add(&mut self, mut other: Self) {
        self.latencies_us.append(&mut other.latencies_us);
        self.not_ok += other.not_ok;
        self.broken += other.broken;
    }

    fn result(mut self, elapsed: Duration) -> Load {
        self.latencies_us.sort_unstable();
        let acks = self.latencies_us.len() as u64;
        Load {
            acks,
            acks_per_s: acks as f64 / elapsed.as_secs_f64(),
            p50_ms: percentile_ms(&self.latencies_us, 50),
            p99_ms: percentile_ms(&self.latencies_us, 99),
            not_ok: self.not_ok,
            broken: self.broken,
        }
    }
}

/// The smallest of the sorted values that so many percent do not exceed, in milliseconds.
pub fn percentile_ms(sorted_us: &[u32], percent: usize) -> f64 {
    let rank = (sorted_us.len() * percent).div_ceil(100).max(1);
    sorted_us
        .get(rank - 1)
        .map_or(0.0, |us| f64::from(*us) / 1000.0)
}

/// One connection, made again after it broke.
async fn send(deliveries: Arc<Deliveries>, first: usize, until: Instant) -> Sent {
    let mut sent = Sent::default();
    let mut requests = deliveries.requests.iter().cycle().skip(first);
    while Instant::now() < until {
        if send_over_one(&deliveries.address, &mut requests, until, &mut sent)
            .await
            .is_err()
        {
            sent.broken += 1;
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
    }
    sent
}

async fn send_over_one<'r>(
    address: &str,
    requests: &mut impl Iterator<Item = &'r Request>,
    until: Instant,
    sent: &mut Sent,
) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut request, mut answer) = (Vec::new(), Vec::new());
    while Instant::now() < until {
        let Some(next) = requests.next() else { break };
        request.clear();
        request.extend_from_slice(&next.before_id);
        request.extend_from_slice(Uuid::now_v7().hyphenated().to_string().as_bytes());
        request.extend_from_slice(&next.after_id);
        let started = Instant::now();
        stream.write_all(&request).await?;
        let status =
            tokio::time::timeout(ANSWER_MAX, read_answer(&mut stream, &mut answer)).await??;
        if status == 200 {
            let us = started.elapsed().as_micros();
            sent.latencies_us
                .push(u32::try_from(us).unwrap_or(u32::MAX));
        } else {
            sent.not_ok += 1;
        }
    }
    Ok(())
}

/// Reads one answer, whose length its header must give, and returns its status.
async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> anyhow::Result<u16> {
    answer.clear();
    let mut header = None;
    loop {
        if header.is_none() {
            header = parse(answer)?;
        }
        match header {
            Some((status, bytes)) if answer.len() == bytes => return Ok(status),
            _ if answer.len() > ANSWER_BYTES_MAX => bail!("the answer is too long"),
            _ => {}
        }
        if stream.read_buf(answer).await? == 0 {
            bail!("the server closed the connection");
        }
    }
}

/// The status and the length of the whole answer, once its header is complete.
fn parse(answer: &[u8]) -> anyhow::Result<Option<(u16, usize)>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let header = std::str::from_utf8(&answer[..end])?;
    let status = header
        .split(' ')
        .nth(1)
        .context("the answer has no status")?;
    let length = header
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("the answer has no length")?
        .1;
    Ok(Some((
        status.parse()?,
        end + 4 + length.trim().parse::<usize>()?,
    )))
}
