//! The limits that `make bench` compares the server with, and the measurements that `wrk` cannot make.
//!
//! Nothing here uses the host's code: a limit that shares code with what it judges would share its faults.
//! Each command prints its result as one line of `name=value` pairs, for `scripts/bench.sh`.

mod bare;
mod database;
mod drain;
mod http;
mod latency;
mod old;
mod payloads;
mod postgres;
mod settle;
mod sink;
mod sql;
mod sqlite;
mod writer;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Limits and measurements for `make bench`")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Reads the body, checks the signature, answers 200: what HTTP alone allows.
    Bare {
        #[arg(long)]
        listen: SocketAddr,
        #[arg(long)]
        secret: String,
    },
    /// The same, and commits the compressed body before it answers: what a group-commit writer allows.
    Writer {
        #[arg(long)]
        listen: SocketAddr,
        #[arg(long)]
        secret: String,
        #[arg(long)]
        database_url: String,
    },
    /// Claims and settles a backlog in hand-written SQL: what the database allows a worker.
    Settle {
        #[arg(long)]
        database_url: String,
        #[arg(long, default_value_t = 20_000)]
        count: usize,
    },
    /// Writes signed, all different payloads for `tests/bench/signed.lua`.
    Payloads {
        #[arg(long)]
        count: usize,
        #[arg(long)]
        secret: String,
        #[arg(long)]
        out: PathBuf,
        /// The recorded `issues.opened` delivery to vary.
        #[arg(long, default_value = payloads::FIXTURE)]
        fixture: PathBuf,
    },
    /// Waits until a running server has worked off its inbox, and says how fast it did.
    Drain {
        #[arg(long)]
        database_url: String,
        #[arg(long, default_value_t = 120)]
        timeout_seconds: u64,
    },
    /// Takes whatever it is sent: an endpoint that costs next to nothing.
    Sink {
        #[arg(long)]
        listen: SocketAddr,
    },
    /// Watches for a while how fast a running server hands over what waits in its outbox.
    HandOver {
        #[arg(long)]
        database_url: String,
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Fills the inbox of a server that does not run with deliveries that were processed a month ago.
    FillOld {
        #[arg(long)]
        database_url: String,
        #[arg(long, default_value_t = 1_000_000)]
        count: i64,
    },
    /// Counts those that are left as they were.
    LeftOld {
        #[arg(long)]
        database_url: String,
    },
    /// Sends single deliveries to an idle server and waits for each in the outbox.
    Latency {
        /// The server, as `http://127.0.0.1:8787`.
        #[arg(long)]
        url: String,
        /// An API key of the trigger's organization.
        #[arg(long)]
        key: String,
        /// The trigger's webhook URL.
        #[arg(long)]
        hook: String,
        /// The trigger's webhook secret.
        #[arg(long)]
        secret: String,
        #[arg(long, default_value_t = 50)]
        count: usize,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Bare { listen, secret } => bare::serve(listen, &secret).await,
        Command::Writer {
            listen,
            secret,
            database_url,
        } => writer::serve(listen, &secret, &database_url).await,
        Command::Settle {
            database_url,
            count,
        } => settle::run(&database_url, count).await,
        Command::Payloads {
            count,
            secret,
            out,
            fixture,
        } => payloads::write(count, &secret, &out, &fixture),
        Command::Drain {
            database_url,
            timeout_seconds,
        } => drain::run(&database_url, timeout_seconds).await,
        Command::Sink { listen } => sink::serve(listen).await,
        Command::HandOver {
            database_url,
            seconds,
        } => drain::hand_over(&database_url, seconds).await,
        Command::FillOld {
            database_url,
            count,
        } => old::fill(&database_url, count).await,
        Command::LeftOld { database_url } => old::left(&database_url).await,
        Command::Latency {
            url,
            key,
            hook,
            secret,
            count,
        } => latency::run(&url, &key, &hook, &secret, count).await,
    }
}
