//! `echo`: returns the events that a delivery's body lists, so a test can have any event.
//! A `"do"` in the body makes `parse` misbehave, and a `"do"` in an event's facts makes
//! `matches` misbehave.

#[path = "../../told.rs"]
mod told;

use serde_json::{Value, json};
use told::{random, told};
use triggerhouse_sdk::bindings::filter::exports::triggerhouse::provider::filter::Guest;
use triggerhouse_sdk::contract::description::Handshake;
use triggerhouse_sdk::log::{self, Level};
use triggerhouse_sdk::prelude::*;

struct Echo;

/// The configuration of a trigger.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Only these kinds; all if empty.
    kinds: Vec<String>,
}

impl Describe for Echo {
    const ID: &'static str = "echo";
    const NAME: &'static str = "Echo";
    const DESCRIPTION: &'static str = "Returns the events that its deliveries list.";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn webhook() -> Option<WebhookSource> {
        Some(WebhookSource {
            verification: vec![hmac_sha256_hex("X-Echo-Signature", "sha256=")],
            delivery_id: vec![Locator::Header("X-Echo-Delivery".into())],
            account: vec![Locator::BodyPointer("/account".into())],
            handshakes: vec![Handshake {
                when: Locator::BodyPointer("/challenge".into()),
                equals: None,
                echo: Locator::BodyPointer("/challenge".into()),
            }],
        })
    }
}

impl Filter for Echo {
    type Config = Config;
    type Facts = Value;

    fn matches(event: &Event, _facts: &Value, config: &Config) -> Verdict {
        if config.kinds.is_empty() || config.kinds.contains(&event.kind) {
            Verdict::Accept
        } else {
            Verdict::Reject(format!("kinds: {} is not listed", event.kind))
        }
    }
}

impl Webhook for Echo {
    fn parse(request: WebhookRequest) -> Result<Vec<Event>, ParseError> {
        let body = request.json()?;
        let payload = Payload::new(&body);
        if let Some(reason) = payload.text_opt("/ignore")? {
            return Err(ParseError::Ignored(reason.into()));
        }
        if let Some(action) = payload.text_opt("/do")? {
            return misbehave(action, &request);
        }
        payload.items("/events")?.iter().map(event).collect()
    }
}

fn event(item: &Payload) -> Result<Event, ParseError> {
    let optional = |pointer| Ok::<_, ReadError>(item.text_opt(pointer)?.map(str::to_owned));
    Ok(Event {
        dedup_key: item.text("/dedup_key")?.into(),
        kind: item.text("/kind")?.into(),
        occurred_at: item.time_opt("/occurred_at")?,
        title: item.text_opt("/title")?.unwrap_or_default().into(),
        url: optional("/url")?,
        actor: optional("/actor")?,
        facts: item.value().get("facts").unwrap_or(&json!({})).to_string(),
    })
}

/// Misbehaves, or reports a view of the sandbox.
fn misbehave(action: &str, request: &WebhookRequest) -> Result<Vec<Event>, ParseError> {
    let seen = match action {
        "trap" => panic!("echo was told to panic"),
        "loop" => loop {
            std::hint::black_box(());
        },
        "hog" => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(std::hint::black_box(vec![1u8; 1 << 20]));
            }
        }
        "recurse" => json!({ "depth": recurse(1) }),
        "exit" => std::process::exit(3),
        "sleep" => {
            std::thread::sleep(std::time::Duration::from_secs(3600));
            json!({})
        }
        "huge_string" => {
            let facts = "x".repeat(20 << 20);
            return Ok(vec![Event {
                facts,
                ..told(json!({}))
            }]);
        }
        "huge_title" => {
            let title = "x".repeat(3000);
            return Ok(vec![Event {
                title,
                ..told(json!({}))
            }]);
        }
        "huge_events" => return Ok(vec![told(json!({})); 1001]),
        "array_facts" => json!([1]),
        "no_key" => {
            let dedup_key = String::new();
            return Ok(vec![Event {
                dedup_key,
                ..told(json!({}))
            }]);
        }
        "nul" => {
            let title = "a\0b".into();
            return Ok(vec![Event {
                title,
                ..told(json!({}))
            }]);
        }
        "env" => json!({
            "variables": std::env::vars().collect::<Vec<_>>(),
            "arguments": std::env::args().collect::<Vec<_>>(),
        }),
        "files" => json!({
            "read": std::fs::read_to_string("/etc/passwd").map_err(|error| error.to_string()),
            "list": std::fs::read_dir("/").map(|_| ()).map_err(|error| error.to_string()),
            "write": std::fs::write("/tmp/echo", "x").map_err(|error| error.to_string()),
            "connect": std::net::TcpStream::connect("127.0.0.1:80").map(|_| ()).map_err(|error| error.to_string()),
        }),
        "clock" => {
            let started = std::time::Instant::now();
            let wall = || {
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                now.unwrap_or_default().as_micros() as u64
            };
            let first = wall();
            let spin = (0..1_000_000u32).fold(0, |sum, n| std::hint::black_box(sum ^ n));
            json!({
                "first": first, "second": wall(), "received_at": request.received_at,
                "elapsed_ns": started.elapsed().as_nanos() as u64, "spin": spin,
                "random": random(),
            })
        }
        "log_flood" => {
            for line in 0..100_000 {
                log::write(Level::Info, &format!("flood {line} {}", "x".repeat(10_000)));
            }
            for line in 0..1_000 {
                println!("flood {line} {}", "x".repeat(100));
                eprintln!("flood {line} {}", "x".repeat(100));
            }
            json!({ "flooded": true })
        }
        "settings" => json!({ "settings": request.settings }),
        "allocate" => json!({ "bytes": std::hint::black_box(vec![1u8; 8 << 20]).len() }),
        other => return Err(ParseError::Other(format!("do: {other} is unknown"))),
    };
    Ok(vec![told(seen)])
}

#[allow(unconditional_recursion)]
fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    recurse(depth + 1) + frame[depth as usize % 64]
}

struct __Component;
triggerhouse_sdk::register!(@describe Echo);
triggerhouse_sdk::register!(@webhook Echo);

impl Guest for __Component {
    fn matches(event: Event, configs: Vec<String>) -> Vec<Verdict> {
        let facts: Value = serde_json::from_str(&event.facts).unwrap_or_default();
        match facts["do"].as_str() {
            Some("trap") => panic!("echo was told to panic while filtering"),
            Some("loop") => loop {
                std::hint::black_box(());
            },
            Some("too_few_verdicts") => vec![Verdict::Accept],
            Some("long_reason") => vec![Verdict::Reject("x\0".repeat(5_000)); configs.len()],
            _ => triggerhouse_sdk::judge::<Echo>(&event, &configs),
        }
    }
}
triggerhouse_sdk::bindings::filter::export_filter!(
    __Component with_types_in triggerhouse_sdk::bindings::filter
);
