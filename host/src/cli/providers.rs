//! `triggerhouse providers`: the registry, and a trial run of one component.

use super::options::{Common, header, set_providers};
use super::table;
use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use toml::Table;
use triggerhouse::app::load_registry;
use triggerhouse::clock;
use triggerhouse::domain::DeliveryId;
use triggerhouse::domain::delivery::{ClaimedDelivery, Header, Origin, Route};
use triggerhouse::domain::event::{ParsedEvent, Verdict};
use triggerhouse::provider::{Cache, CallContext, CallStats, Engine, Provider, RegistryEntry};

#[derive(Debug, Subcommand)]
pub enum Providers {
    /// List the registered providers
    List(List),
    /// Run one delivery through a component and print its events
    Run(Run),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    common: Common,
    /// Register every *.wasm in this directory
    #[arg(long, value_name = "DIR")]
    providers: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Run {
    /// The component (*.wasm)
    file: PathBuf,
    /// The body of the delivery
    #[arg(long, value_name = "FILE")]
    payload: PathBuf,
    /// A header of the delivery; repeatable
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Match the events against this configuration of a trigger
    #[arg(long, value_name = "JSON")]
    config: Option<String>,
}

impl Providers {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run().await,
            Self::Run(run) => run.run().await,
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let mut flags = Table::new();
        set_providers(&mut flags, self.providers.as_deref())?;
        let registry = load_registry(&self.common.load(flags)?).await?;
        let mut rows = vec![
            ["id", "version", "contract", "kinds", "digest", "state"]
                .map(String::from)
                .to_vec(),
        ];
        for provider in registry.iter() {
            let info = provider.info();
            let kinds: Vec<&str> = info.kinds.iter().map(|kind| kind.as_str()).collect();
            rows.push(vec![
                info.id.clone(),
                info.version.clone(),
                info.contract.clone(),
                kinds.join(", "),
                info.digest.chars().take(16).collect(),
                info.state.to_string(),
            ]);
        }
        table::print(&rows);
        Ok(ExitCode::SUCCESS)
    }
}

/// The output of `providers run`.
#[derive(Serialize)]
struct Report {
    provider: String,
    load_ms: f64,
    parse_us: f64,
    matches_us: f64,
    memory_bytes: usize,
    events: Vec<ReportedEvent>,
}

#[derive(Serialize)]
struct ReportedEvent {
    dedup_key: String,
    kind: String,
    occurred_at: Option<String>,
    title: String,
    url: Option<String>,
    actor: Option<String>,
    facts: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<String>,
}

impl Run {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let start = Instant::now();
        let engine = Engine::new(Default::default())?;
        let entry = RegistryEntry::of(&self.file);
        let provider = Provider::load(&engine, &Cache::disabled(), &self.file, &entry).await?;
        let load_ms = start.elapsed().as_secs_f64() * 1e3;
        if let Some(config) = &self.config {
            self.check(&provider, config)?;
        }
        let delivery = self.delivery(&provider.info().id)?;
        let mut session = provider.open(CallContext::of(&delivery)).await?;
        let parsed = session.parse(&delivery).await?;
        let parse = session.last_call();
        let mut matching = CallStats::default();
        let mut events = Vec::with_capacity(parsed.len());
        for event in parsed {
            let verdict = match &self.config {
                Some(config) => {
                    let verdict = session.matches(&event, &[config.as_str()]).await?.pop();
                    matching.wall += session.last_call().wall;
                    verdict
                }
                None => None,
            };
            events.push(reported(event, verdict)?);
        }
        let report = Report {
            provider: format!("{} {}", provider.info().id, provider.info().version),
            load_ms,
            parse_us: parse.wall.as_secs_f64() * 1e6,
            matches_us: matching.wall.as_secs_f64() * 1e6,
            memory_bytes: session.last_call().memory_bytes_peak,
            events,
        };
        println!("{}", serde_json::to_string_pretty(&report)?);
        Ok(ExitCode::SUCCESS)
    }

    fn check(&self, provider: &Provider, config: &str) -> anyhow::Result<()> {
        let value = serde_json::from_str(config).context("--config: expected JSON")?;
        provider.check_config(&value).map_err(|errors| {
            let lines: Vec<String> = errors
                .iter()
                .map(|error| format!("  {}: {}", error.pointer, error.message))
                .collect();
            anyhow::anyhow!(
                "--config does not match the provider's schema:\n{}",
                lines.join("\n")
            )
        })
    }

    fn delivery(&self, provider: &str) -> anyhow::Result<ClaimedDelivery> {
        let body = std::fs::read(&self.payload)
            .with_context(|| format!("cannot read {}", self.payload.display()))?;
        let headers = self.headers.iter().cloned();
        let (origin, now) = (
            Origin {
                route: Route::Account,
                provider: provider.to_owned(),
                org: None,
                trigger: None,
                integration: None,
            },
            clock::now(),
        );
        Ok(ClaimedDelivery {
            id: DeliveryId::new(),
            attempt: 1,
            tries: 1,
            deaths: 0,
            is_suspect: false,
            retry_since: now,
            only_triggers: None,
            lane: origin.lane(None),
            origin,
            headers: headers
                .map(|(name, value)| Header { name, value })
                .collect(),
            query: String::new(),
            body,
            received_at: now,
        })
    }
}

fn reported(event: ParsedEvent, verdict: Option<Verdict>) -> anyhow::Result<ReportedEvent> {
    Ok(ReportedEvent {
        dedup_key: event.dedup_key,
        kind: event.kind,
        occurred_at: event.occurred_at.map(|at| at.to_string()),
        title: event.title,
        url: event.url,
        actor: event.actor,
        facts: serde_json::from_str(&event.facts).context("facts")?,
        verdict: verdict.map(|verdict| match verdict {
            Verdict::Accept => "accept".to_owned(),
            Verdict::Reject(reason) => format!("reject: {reason}"),
            Verdict::InvalidConfig(reason) => format!("invalid config: {reason}"),
        }),
    })
}
