//! `triggerhouse inbox`: deliveries of every organization, and of none.

use super::options::Common;
use super::table;
use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use std::process::ExitCode;
use toml::Table;
use triggerhouse::app::open_store;
use triggerhouse::clock;
use triggerhouse::domain::{DeliveryId, DeliveryStatus};
use triggerhouse::store::{DeliveryChange, OperatorFilter, PageRequest, Store};

#[derive(Debug, Subcommand)]
pub enum Inbox {
    /// List deliveries, newest first
    List(List),
    /// Show a delivery with its headers and its body, as JSON
    Show(One),
    /// Process deliveries again: dead letters, held ones, and those that started no run
    Retry(Change),
    /// Discard dead letters and held deliveries
    Discard(Change),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Pending,
    Processing,
    Held,
    Completed,
    Failed,
    Discarded,
}

impl From<Status> for DeliveryStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Processing => Self::Processing,
            Status::Held => Self::Held,
            Status::Completed => Self::Completed,
            Status::Failed => Self::Failed,
            Status::Discarded => Self::Discarded,
        }
    }
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    filter: Filter,
    /// The number of deliveries, at most 100
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
}

#[derive(Debug, Args)]
struct Filter {
    /// Only deliveries in this status; failed ones are dead letters
    #[arg(long, default_value = "failed")]
    status: Status,
    /// Only deliveries of no organization, which no API key can see
    #[arg(long)]
    ownerless: bool,
}

#[derive(Debug, Args)]
pub struct One {
    #[command(flatten)]
    common: Common,
    /// The id of the delivery: dlv_…
    id: DeliveryId,
}

#[derive(Debug, Args)]
pub struct Change {
    #[command(flatten)]
    common: Common,
    /// The ids of deliveries: dlv_…
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<DeliveryId>,
    /// All deliveries that --status and --ownerless select
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: Filter,
}

impl Inbox {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run().await?,
            Self::Show(one) => one.run().await?,
            Self::Retry(change) => change.run(DeliveryChange::Retry, "retried").await?,
            Self::Discard(change) => change.run(DeliveryChange::Discard, "discarded").await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let store = open(&self.common).await?;
        let page = PageRequest {
            limit: self.limit,
            before: None,
        };
        let found = store.all_deliveries(&self.filter.into(), page).await?;
        let heading = [
            "id",
            "organization",
            "provider",
            "status",
            "received",
            "error or outcome",
        ];
        let mut rows = vec![heading.map(String::from).to_vec()];
        for found in found.items {
            let delivery = found.delivery;
            rows.push(vec![
                delivery.id.to_string(),
                found
                    .org_id
                    .map_or_else(|| "-".into(), |org| org.to_string()),
                delivery.provider,
                delivery.status.to_string(),
                delivery.received_at.to_string(),
                delivery.error.or(delivery.outcome).unwrap_or_default(),
            ]);
        }
        table::print(&rows);
        if found.next_cursor.is_some() {
            eprintln!("there are more; --limit shows up to 100");
        }
        Ok(())
    }
}

impl One {
    async fn run(self) -> anyhow::Result<()> {
        let store = open(&self.common).await?;
        let found = store.any_delivery(self.id).await?;
        let (org, content) = found.with_context(|| format!("no delivery {}", self.id))?;
        let shown = serde_json::json!({"organization": org, "delivery": content});
        println!("{}", serde_json::to_string_pretty(&shown)?);
        Ok(())
    }
}

impl Change {
    async fn run(self, change: DeliveryChange, done: &str) -> anyhow::Result<()> {
        let store = open(&self.common).await?;
        let mut changed = 0_u64;
        if !self.all {
            for id in self.ids {
                one(&store, id, change).await?;
                changed += 1;
            }
            println!("{done} {changed} deliveries");
            return Ok(());
        }
        let status = DeliveryStatus::from(self.filter.status);
        let filter = OperatorFilter::from(self.filter);
        let mut page = PageRequest {
            limit: 100,
            before: None,
        };
        loop {
            let found = store.all_deliveries(&filter, page).await?;
            for found in &found.items {
                let id = found.delivery.id;
                // Another call may have been faster, and what started a run stays.
                let result = store.change_any_delivery(id, change, clock::now()).await?;
                changed += u64::from(result.is_some_and(|(_, is_done)| is_done));
            }
            let last = found.items.last().map(|found| found.delivery.id.0);
            if found.next_cursor.is_none() {
                break;
            }
            page.before = last;
        }
        println!("{done} {changed} {status} deliveries");
        Ok(())
    }
}

impl From<Filter> for OperatorFilter {
    fn from(filter: Filter) -> Self {
        Self {
            status: filter.status.into(),
            ownerless: filter.ownerless,
        }
    }
}

async fn one(store: &Store, id: DeliveryId, change: DeliveryChange) -> anyhow::Result<()> {
    let found = store.change_any_delivery(id, change, clock::now()).await?;
    let Some((status, is_done)) = found else {
        bail!("no delivery {id}");
    };
    ensure!(
        is_done,
        "{id} is {status}: expected a dead letter, a held delivery, or for a retry one that \
         started no run"
    );
    Ok(())
}

async fn open(common: &Common) -> anyhow::Result<Store> {
    let store = open_store(&common.load(Table::new())?, false).await?;
    store.migrate().await?;
    Ok(store)
}
