//! `triggerhouse migrate`: the schema of the database.

use super::options::Common;
use clap::Args;
use std::process::ExitCode;
use toml::Table;
use triggerhouse::app::open_store;

#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    common: Common,
}

impl Migrate {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let store = open_store(&self.common.load(Table::new())?, true).await?;
        store.migrate().await?;
        store.close().await;
        println!("the database schema is up to date");
        Ok(ExitCode::SUCCESS)
    }
}
