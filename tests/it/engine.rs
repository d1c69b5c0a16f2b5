//! The engine and the registry, with real components. A guest breaks each limit, and a faulty
//! component provokes each refusal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use triggerhouse::domain::delivery::{ClaimedDelivery, Header, Origin as DeliveryOrigin, Route};
use triggerhouse::domain::event::{ParsedEvent, Verdict};
use triggerhouse::domain::{DeliveryId, Lane, Timestamp};
use triggerhouse::provider::{
    Cache, CallContext, Engine, EngineLimits, GuestError, ParseFailure, Provider, RegistryEntry,
};
use triggerhouse_tests::files;

mod cache;
mod calls;
mod limits;
mod refusals;
mod registry;

/// 2026-11-23T14:34:29Z.
const RECEIVED_AT: Timestamp = Timestamp(1_795_444_469_000_123);

/// The component of `tests/guests/<what>`.
fn guest(what: &str) -> PathBuf {
    let path = files::guest(&format!("guest_{}", what.replace('-', "_")));
    assert!(path.exists(), "{} was not built", path.display());
    path
}

/// A shared cache: most tests need each guest compiled only once.
fn shared_cache() -> Cache {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-guests");
    Cache::at(&directory)
}

fn engine() -> Engine {
    engine_with(|_| {})
}

fn engine_with(change: impl FnOnce(&mut EngineLimits)) -> Engine {
    let mut limits = EngineLimits {
        instances: 4,
        ..EngineLimits::default()
    };
    change(&mut limits);
    Engine::new(limits).unwrap()
}

async fn load(engine: &Engine, what: &str) -> Arc<Provider> {
    let path = guest(what);
    let entry = RegistryEntry::of(&path);
    Provider::load(engine, &shared_cache(), &path, &entry)
        .await
        .unwrap()
}

fn delivery(body: &str) -> ClaimedDelivery {
    ClaimedDelivery {
        id: DeliveryId("0192f5c0a1b27c3d8e4f5a6b7c8d9e0f".parse().unwrap()),
        attempt: 1,
        tries: 1,
        deaths: 0,
        is_suspect: false,
        retry_since: RECEIVED_AT,
        only_triggers: None,
        lane: Lane::of_org(&"acme".parse().unwrap()),
        origin: DeliveryOrigin {
            route: Route::Account,
            provider: "echo".into(),
            org: None,
            trigger: None,
            integration: None,
        },
        headers: vec![Header {
            name: "x-echo-delivery".into(),
            value: "1".into(),
        }],
        query: String::new(),
        body: body.into(),
        received_at: RECEIVED_AT,
    }
}

/// Parses one delivery in a session of its own.
async fn parse(provider: &Arc<Provider>, body: &str) -> Result<Vec<ParsedEvent>, ParseFailure> {
    let delivery = delivery(body);
    let mut session = provider.open(CallContext::of(&delivery)).await?;
    session.parse(&delivery).await
}

/// Sends a command to `echo` and returns its error.
async fn told(provider: &Arc<Provider>, what: &str) -> GuestError {
    match parse(provider, &format!(r#"{{"do":"{what}"}}"#)).await {
        Err(ParseFailure::Guest(error)) => error,
        other => panic!("{what}: expected the guest to fail, got {other:?}"),
    }
}

/// Sends a command to `echo` and returns the facts of its event.
async fn seen(provider: &Arc<Provider>, what: &str) -> serde_json::Value {
    let events = parse(provider, &format!(r#"{{"do":"{what}"}}"#))
        .await
        .unwrap();
    serde_json::from_str(&events[0].facts).unwrap()
}

fn event(kind: &str, facts: &str) -> ParsedEvent {
    ParsedEvent {
        dedup_key: "echo:1".into(),
        kind: kind.into(),
        occurred_at: None,
        title: "t".into(),
        url: None,
        actor: None,
        facts: facts.into(),
    }
}
