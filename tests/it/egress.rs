//! Egress of polls, with real components and real servers. A guest is told what to fetch
//! and reports the outcome; a server records what arrived.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use triggerhouse::domain::Timestamp;
use triggerhouse::domain::poll::{PollPage, PollRequest};
use triggerhouse::egress::{Egress, EgressLimits, ResponseCache};
use triggerhouse::provider::{
    Cache, CallContext, Engine, EngineLimits, GuestError, PollAccess, PollFailure, Provider,
    RegistryEntry, Session,
};
use triggerhouse_tests::files;

mod limits;
mod manners;
mod placed_credential;
mod polls;
mod reach;
mod tls;

/// 2026-11-23T14:34:29Z.
const NOW: Timestamp = Timestamp(1_795_444_469_000_123);

/// A recorded request.
#[derive(Clone, Debug)]
struct Seen {
    method: String,
    /// Path and query.
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Still percent-encoded.
    fn query(&self, name: &str) -> Option<&str> {
        let query = self.target.split_once('?')?.1;
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .into_iter()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }
}

/// A server on loopback that records every request.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Starts one that answers by `answer`, except for `/hang`, which never answers.
    async fn start(answer: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let log = Arc::clone(&seen);
        let handle = move |request: Request<Body>| {
            let (log, answer) = (Arc::clone(&log), answer.clone());
            async move {
                let request = read(request).await;
                log.lock().unwrap().push(request.clone());
                if request.target.starts_with("/hang") {
                    std::future::pending::<()>().await;
                }
                answer(&request)
            }
        };
        let app = axum::Router::new().fallback(handle);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, seen }
    }

    /// Starts one that answers `ok` to everything.
    async fn ok() -> Self {
        Self::start(|_| "ok".into_response()).await
    }

    /// Starts one that redirects to the query's `to` with its `status`, or answers `ok`.
    async fn redirecting() -> Self {
        Self::start(|seen| match seen.query("to") {
            Some(to) => {
                let status = seen.query("status").unwrap_or("302").parse().unwrap();
                let status = StatusCode::from_u16(status).unwrap();
                (status, [("location", decoded(to))]).into_response()
            }
            None => "ok".into_response(),
        })
        .await
    }

    fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

async fn read(request: Request<Body>) -> Seen {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    Seen {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
            .collect(),
        body: text(&body),
    }
}

/// Percent-encodes a URL for a query, as far as these tests need it.
fn encoded(url: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    url.bytes().map(encode).collect()
}

fn decoded(text: &str) -> String {
    let (first, rest) = text.split_once('%').unwrap_or((text, ""));
    let parts = rest.split('%').filter(|part| !part.is_empty()).map(|part| {
        let byte = u8::from_str_radix(&part[..2], 16).unwrap();
        format!("{}{}", char::from(byte), &part[2..])
    });
    format!("{first}{}", parts.collect::<String>())
}

/// A provider, its egress, and one poll group.
struct Rig {
    provider: Arc<Provider>,
    egress: Egress,
    access: PollAccess,
}

/// The settings of a rig.
struct Setup {
    guest: &'static str,
    grants: Vec<String>,
    engine: EngineLimits,
    egress: EgressLimits,
    credential: Option<&'static str>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            guest: "poller",
            grants: Vec::new(),
            engine: EngineLimits {
                instances: 2,
                poll_instances: 2,
                ..EngineLimits::default()
            },
            egress: EgressLimits::default(),
            credential: None,
        }
    }
}

impl Setup {
    fn granting(servers: &[&Server]) -> Self {
        Self::with_grants(servers.iter().map(|server| server.address))
    }

    fn with_grants(grants: impl IntoIterator<Item: ToString>) -> Self {
        Self {
            grants: grants.into_iter().map(|grant| grant.to_string()).collect(),
            ..Self::default()
        }
    }

    async fn rig(self) -> Rig {
        let egress = Egress::new(self.egress.clone()).unwrap();
        self.rig_with(egress).await
    }

    async fn rig_with(self, egress: Egress) -> Rig {
        let engine = Engine::new(self.engine).unwrap();
        let path = files::guest(&format!("guest_{}", self.guest));
        let mut entry = RegistryEntry::of(&path);
        entry.allow_hosts = self.grants;
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-guests");
        let provider = Provider::load(&engine, &Cache::at(&cache), &path, &entry).await;
        Rig {
            provider: provider.unwrap(),
            egress,
            access: group(self.credential),
        }
    }
}

/// A poll group with an empty cache.
fn group(credential: Option<&str>) -> PollAccess {
    PollAccess {
        credential: credential.map(Into::into),
        responses: Arc::new(ResponseCache::default()),
    }
}

fn request(cursor: &Value, now: Timestamp) -> PollRequest {
    PollRequest {
        cursor: Some(cursor.to_string()),
        configs: vec![r#"{"a":1}"#.into()],
        now,
        limit: 100,
    }
}

impl Rig {
    async fn open(&self, request: &PollRequest) -> Result<Session, GuestError> {
        let context = CallContext::of_poll(request);
        let access = self.access.clone();
        self.provider.open_poll(context, &self.egress, access).await
    }

    async fn poll(&self, request: &PollRequest) -> Result<PollPage, PollFailure> {
        self.open(request).await?.poll(request).await
    }

    /// Polls with a script for the guest as its cursor.
    async fn run(&self, script: Value) -> Result<PollPage, PollFailure> {
        self.poll(&request(&script, NOW)).await
    }

    /// Has the guest send requests in one poll, and returns the outcome of each.
    async fn fetch_at(&self, now: Timestamp, requests: Value) -> Vec<Value> {
        let script = json!({ "fetch": requests });
        let page = self.poll(&request(&script, now)).await.unwrap();
        let facts = page.events.iter().map(|event| &event.facts);
        facts
            .map(|facts| serde_json::from_str(facts).unwrap())
            .collect()
    }

    async fn fetch_all(&self, requests: Value) -> Vec<Value> {
        self.fetch_at(NOW, requests).await
    }

    async fn fetch(&self, request: Value) -> Value {
        self.fetch_all(json!([request])).await.remove(0)
    }

    async fn get(&self, url: &str) -> Value {
        self.fetch(json!({ "url": url })).await
    }
}
