//! `triggerhouse send`: a signed delivery, as the provider's service would send it.

use super::options::header;
use anyhow::{Context, bail};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use clap::Args;
use serde::Deserialize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use triggerhouse::clock;
use triggerhouse::domain::source::WebhookScheme;
use triggerhouse::secret::Secret;
use triggerhouse::verify::{Request, stamped};

#[derive(Debug, Args)]
pub struct Send {
    /// The payload, sent byte for byte. Only a timestamp that the service signs in the body
    /// is set to now
    file: PathBuf,
    /// The webhook_url of a trigger or an integration of a running host
    #[arg(long)]
    url: String,
    /// The provider whose signature scheme is used; the host at --url describes it
    #[arg(long, value_name = "ID")]
    provider: String,
    /// The webhook secret to sign with
    #[arg(long)]
    secret: String,
    /// An additional header; repeatable
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Send a timestamp in the body unchanged
    #[arg(long)]
    keep_timestamp: bool,
}

/// The part of `GET /providers/{id}` that this command uses.
#[derive(Deserialize)]
struct Description {
    webhook: Option<WebhookScheme>,
}

impl Send {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let body = std::fs::read(&self.file)
            .with_context(|| format!("cannot read {}", self.file.display()))?;
        let client = client()?;
        let mut url: reqwest::Url = self.url.parse().context("--url")?;
        let source = self.source(&client, &url).await?;
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        for (name, value) in &self.headers {
            insert(&mut headers, name, value)?;
        }
        let query = url.query().unwrap_or_default().to_owned();
        let now = clock::now();
        let secret = Secret::from(self.secret.clone());
        let body = if self.keep_timestamp {
            body
        } else {
            stamped(&source, &secret, &body, now).into_owned()
        };
        let signed = Request::new(&source, &headers, &query, &body, now).sign(&secret)?;
        for (name, value) in &signed.headers {
            insert(&mut headers, name, value)?;
        }
        if !signed.query.is_empty() {
            let joint = if query.is_empty() { "" } else { "&" };
            url.set_query(Some(&format!("{query}{joint}{}", signed.query)));
        }
        let start = Instant::now();
        let response = client.post(url).headers(headers).body(body).send().await?;
        let status = response.status();
        let text = response.text().await?;
        println!(
            "{} {text} ({:.1} ms)",
            status.as_u16(),
            start.elapsed().as_secs_f64() * 1e3
        );
        Ok(if status.is_success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    async fn source(
        &self,
        client: &reqwest::Client,
        url: &reqwest::Url,
    ) -> anyhow::Result<WebhookScheme> {
        let description = url
            .join(&format!("/providers/{}", self.provider))
            .context("--url")?;
        let response = client.get(description.clone()).send().await?;
        if !response.status().is_success() {
            bail!(
                "{description} answered {}: expected a Triggerhouse host that has the provider",
                response.status()
            );
        }
        let description: Description = response
            .json()
            .await
            .with_context(|| format!("{description} did not answer with a provider"))?;
        description
            .webhook
            .with_context(|| format!("the provider {} accepts no webhooks", self.provider))
    }
}

fn client() -> anyhow::Result<reqwest::Client> {
    // An error means that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder()
        .user_agent(concat!("triggerhouse/", env!("CARGO_PKG_VERSION")))
        .timeout(std::time::Duration::from_secs(30))
        .build()?)
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> anyhow::Result<()> {
    let name: HeaderName = name
        .parse()
        .with_context(|| format!("the header name {name:?}"))?;
    let value: HeaderValue = value
        .parse()
        .with_context(|| format!("the value of {name}"))?;
    headers.insert(name, value);
    Ok(())
}
