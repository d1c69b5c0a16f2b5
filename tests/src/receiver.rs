//! An HTTP endpoint for sinks: it records requests, and answers as a test demands.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// An answer of the endpoint.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A status.
    Status(u16),
    /// 429 with `Retry-After`, in seconds.
    Busy(u64),
    /// 503 with `Retry-After`, in seconds.
    NotThisOne(u64),
    /// A redirect.
    To(String),
    /// 200 after a delay.
    Slow(Duration),
    /// 500 after a delay.
    SlowFailure(Duration),
    /// Nothing, ever.
    Never,
}

/// A recorded request.
#[derive(Clone, Debug)]
pub struct Received {
    /// The time of its arrival.
    pub at: Instant,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
    /// True if another request with its id was still being answered.
    pub overlaps: bool,
}

impl Received {
    /// The value of a header.
    ///
    /// # Panics
    /// If the header is missing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        let value = value.unwrap_or_else(|| panic!("no {name} in {:?}", self.headers));
        value.to_str().expect("text")
    }

    /// Its `webhook-id`.
    pub fn id(&self) -> String {
        self.header("webhook-id").to_owned()
    }
}

type Behaviour = Arc<dyn Fn(&[Received]) -> Answer + Send + Sync>;

#[derive(Clone)]
struct Shared {
    received: Arc<Mutex<Vec<Received>>>,
    under_way: Arc<Mutex<HashSet<String>>>,
    behaviour: Arc<Mutex<Behaviour>>,
}

/// A running endpoint.
pub struct Receiver {
    /// The address of its listener.
    pub address: SocketAddr,
    shared: Shared,
}

impl Receiver {
    /// Starts one. `behaviour` sees all requests so far; the last one is to be answered.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(behaviour: impl Fn(&[Received]) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Shared {
            received: Arc::default(),
            under_way: Arc::default(),
            behaviour: Arc::new(Mutex::new(Arc::new(behaviour))),
        };
        let router = Router::new().fallback(take).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    /// Starts one that always gives this answer.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn answering(answer: Answer) -> Self {
        Self::start(move |_| answer.clone()).await
    }

    /// Gives this answer from now on.
    ///
    /// # Panics
    /// If a request panicked.
    pub fn answer(&self, answer: Answer) {
        *self.shared.behaviour.lock().expect("a lock") = Arc::new(move |_| answer.clone());
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// All recorded requests.
    ///
    /// # Panics
    /// If a request panicked.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().expect("a lock").clone()
    }

    /// The number of requests.
    pub fn count(&self) -> usize {
        self.received().len()
    }

    /// The distinct ids of the requests.
    pub fn ids(&self) -> HashSet<String> {
        self.received().iter().map(Received::id).collect()
    }
}

async fn take(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let id = headers.get("webhook-id").map(|id| id.as_bytes().to_vec());
    let id = String::from_utf8(id.unwrap_or_default()).expect("an id");
    let overlaps = !shared.under_way.lock().expect("a lock").insert(id.clone());
    let answer = {
        let mut received = shared.received.lock().expect("a lock");
        received.push(Received {
            at: Instant::now(),
            headers,
            body: String::from_utf8(body.to_vec()).expect("text"),
            overlaps,
        });
        let behaviour = shared.behaviour.lock().expect("a lock").clone();
        behaviour(&received)
    };
    let status = |status: u16| {
        StatusCode::from_u16(status)
            .expect("a status")
            .into_response()
    };
    let response = match answer {
        Answer::Status(code) => status(code),
        Answer::Busy(seconds) => {
            let after = [("retry-after", seconds.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, after).into_response()
        }
        Answer::NotThisOne(seconds) => {
            let after = [("retry-after", seconds.to_string())];
            (StatusCode::SERVICE_UNAVAILABLE, after).into_response()
        }
        Answer::To(url) => (StatusCode::TEMPORARY_REDIRECT, [("location", url)]).into_response(),
        Answer::Slow(time) => {
            tokio::time::sleep(time).await;
            status(200)
        }
        Answer::SlowFailure(time) => {
            tokio::time::sleep(time).await;
            status(500)
        }
        Answer::Never => std::future::pending().await,
    };
    shared.under_way.lock().expect("a lock").remove(&id);
    response
}
