//! A mailbox that answers over real HTTP as the Gmail API does, and fails on demand.
#![allow(clippy::expect_used, reason = "tests fail by panicking")]

#[path = "../../providers/gmail/tests/it/fake/mod.rs"]
mod fake;

pub use fake::{Draft, Fault, Gmail};

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Request, Response};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The owner of the mailbox.
pub const ADDRESS: &str = "me@example.com";

/// A running server; it ends with the test.
pub struct GmailServer {
    /// The address of its listener.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    gmail: Mutex<Gmail>,
    /// The number of requests after which further ones wait; `u64::MAX` for no limit.
    gate: watch::Sender<u64>,
    /// The number of requests so far.
    arrived: watch::Sender<u64>,
}

impl GmailServer {
    /// Starts an empty mailbox.
    ///
    /// # Panics
    /// If there is no port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            gmail: Mutex::new(Gmail::new(ADDRESS, now_ms())),
            gate: watch::Sender::new(u64::MAX),
            arrived: watch::Sender::new(0),
        });
        let of_app = Arc::clone(&shared);
        let app = axum::Router::new().fallback(move |request: Request<Body>| {
            let shared = Arc::clone(&of_app);
            let (request, _) = request.into_parts();
            async move { shared.answer(&request).await }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, shared }
    }

    /// The registry entry that points the provider here.
    pub fn provider(&self) -> String {
        let address = self.address;
        format!(
            "[[providers]]\nid = 'gmail'\nallow_hosts = ['{address}']\n\
             settings = {{ base_url = 'http://{address}', quota_units_per_minute = 4000000000 }}\n"
        )
    }

    /// Uses the mailbox at the current time.
    pub fn with<T>(&self, use_it: impl FnOnce(&mut Gmail) -> T) -> T {
        let mut gmail = self.shared.gmail();
        use_it(&mut gmail)
    }

    /// Receives `count` messages. Returns their ids.
    pub fn receive(&self, count: usize, subject: &str) -> Vec<String> {
        self.with(|gmail| {
            let draft =
                |number| Draft::new("Ann <ann@example.com>", &format!("{subject} {number}"));
            (0..count)
                .map(|number| gmail.receive(draft(number)))
                .collect()
        })
    }

    /// Holds every request after the next `count`, until [`Self::release`].
    pub fn hold_after(&self, count: u64) {
        let arrived = *self.shared.arrived.borrow();
        self.shared.gate.send_replace(arrived + count);
    }

    /// Releases all requests.
    pub fn release(&self) {
        self.shared.gate.send_replace(u64::MAX);
    }

    /// Waits until a request is held.
    ///
    /// # Panics
    /// Never: the server does not end before the test.
    pub async fn held(&self) {
        let gate = *self.shared.gate.borrow();
        let mut arrived = self.shared.arrived.subscribe();
        let _ = arrived.wait_for(|count| *count > gate).await;
    }

    /// The number of requests so far.
    pub fn arrived(&self) -> u64 {
        *self.shared.arrived.borrow()
    }
}

impl Shared {
    fn gmail(&self) -> std::sync::MutexGuard<'_, Gmail> {
        let mut gmail = self.gmail.lock().unwrap_or_else(PoisonError::into_inner);
        gmail.now_ms = now_ms();
        gmail
    }

    async fn answer(&self, request: &Parts) -> Response<Body> {
        let mut number = 0;
        self.arrived.send_modify(|count| {
            *count += 1;
            number = *count;
        });
        let mut gate = self.gate.subscribe();
        let _ = gate.wait_for(|limit| number <= *limit).await;
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers: Vec<(String, String)> = request
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
            .collect();
        let target = request.uri.to_string();
        let answer = self
            .gmail()
            .answer(request.method.as_str(), &target, &headers);
        if answer.slow {
            std::future::pending::<()>().await;
        }
        let mut response = Response::builder().status(answer.status);
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        response.body(answer.body.into()).expect("a response")
    }
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("now");
    u64::try_from(now.as_millis()).expect("now")
}
