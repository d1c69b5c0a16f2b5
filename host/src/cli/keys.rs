//! `triggerhouse keys`: API keys of organizations.

use super::options::Common;
use super::table;
use anyhow::bail;
use clap::{Args, Subcommand};
use std::process::ExitCode;
use toml::Table;
use triggerhouse::app::{create_key, open_store};
use triggerhouse::clock;
use triggerhouse::domain::{KeyId, OrgId};
use triggerhouse::store::Store;

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Create a key, and its organization if that is new; the key is printed once
    Create(Create),
    /// List the keys of all organizations
    List(Common),
    /// Revoke a key; from then on the API refuses it
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    common: Common,
    /// The organization: a-z, 0-9, '-', '_'
    #[arg(long)]
    org: OrgId,
    /// A note on the use of the key, for lists
    #[arg(long, default_value = "")]
    name: String,
}

#[derive(Debug, Args)]
pub struct Revoke {
    #[command(flatten)]
    common: Common,
    /// The id of the key: key_…, as `keys list` shows it
    id: KeyId,
}

impl Keys {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Create(create) => {
                let store = open(&create.common, true).await?;
                let (created, key) = create_key(&store, &create.org, &create.name).await?;
                println!("{}", key.expose());
                eprintln!(
                    "{} of {}; the key is shown only once",
                    created.id, created.org
                );
            }
            Self::List(common) => {
                let mut rows = vec![
                    ["id", "organization", "key", "name", "created", "revoked"]
                        .map(String::from)
                        .to_vec(),
                ];
                for key in open(&common, false).await?.list_keys().await? {
                    rows.push(vec![
                        key.id.to_string(),
                        key.org.to_string(),
                        format!("{}…", key.hint),
                        key.name,
                        key.created_at.to_string(),
                        key.revoked_at.map(|at| at.to_string()).unwrap_or_default(),
                    ]);
                }
                table::print(&rows);
            }
            Self::Revoke(revoke) => {
                if !open(&revoke.common, false)
                    .await?
                    .revoke_key(revoke.id, clock::now())
                    .await?
                {
                    bail!("no live key {}", revoke.id);
                }
                println!("revoked {}", revoke.id);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Opens the store and migrates it. `keys create` may run before the first start, so it
/// may create the database. For the other commands a missing database means that they run
/// in the wrong directory.
async fn open(common: &Common, may_create: bool) -> anyhow::Result<Store> {
    let store = open_store(&common.load(Table::new())?, may_create).await?;
    store.migrate().await?;
    Ok(store)
}
