//! The HTTP of one poll. Every request of a guest goes through [`Fetcher::fetch`], and every
//! hop of it through [`Fetcher::exchange`]. There is no other way out.

use crate::domain::Timestamp;
use crate::domain::delivery::Header;
use crate::domain::source::CredentialPlacement;
use crate::egress::{
    ANSWER_RESERVE, Egress, FetchError, Hop, HostPolicy, HostPort, Kept, Key, PlacedCredential,
    REDIRECTS_MAX, Request, Response, ResponseCache, header_bytes, pause,
};
use crate::secret::Secret;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, IF_NONE_MATCH};
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Origin;

/// Headers of the connection, which the guest does not see.
const CONNECTION_HEADERS: [&str; 6] = [
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The parts of a poll that belong to its group.
#[derive(Clone, Debug)]
pub struct PollAccess {
    /// Attached to requests as the provider's description says. Without a place in the
    /// description, it is not sent.
    pub credential: Option<Secret>,
    /// The group's memory, which all its polls share.
    pub responses: Arc<ResponseCache>,
}

/// One poll's HTTP, with the rest of its budget.
pub(crate) struct Fetcher {
    egress: Egress,
    provider: Arc<str>,
    policy: Arc<HostPolicy>,
    credential: PlacedCredential,
    responses: Arc<ResponseCache>,
    /// The poll's own time at its start. `begun` is the same moment on a clock that moves.
    now: Timestamp,
    begun: Instant,
    wall: Duration,
    requests_left: u32,
    bytes_left: usize,
    denied_before: bool,
}

/// The result of one exchange with a service.
enum Step {
    Done(Response),
    Redirect(Hop),
}

impl Fetcher {
    pub(crate) fn new(
        egress: &Egress,
        provider: Arc<str>,
        policy: Arc<HostPolicy>,
        placement: Option<CredentialPlacement>,
        access: PollAccess,
        now: Timestamp,
    ) -> Self {
        let limits = egress.limits();
        Self {
            requests_left: limits.requests_max,
            bytes_left: limits.poll_bytes_max,
            egress: egress.clone(),
            provider,
            policy,
            credential: PlacedCredential::new(placement, access.credential),
            responses: access.responses,
            now,
            begun: Instant::now(),
            wall: Duration::ZERO,
            denied_before: false,
        }
    }

    /// Starts the poll's time, which is over after `wall`.
    pub(crate) fn begin(mut self, wall: Duration) -> Self {
        self.begun = Instant::now();
        self.wall = wall;
        self
    }

    /// Sends one request, follows its redirects, and reads the answer.
    ///
    /// # Errors
    /// See the contract's `fetch-error`. No text shows more of a URL than its host
    /// and port.
    pub(crate) async fn fetch(&mut self, request: Request) -> Result<Response, FetchError> {
        let begun = Instant::now();
        let method = request.method.clone();
        let (host, result) = match Hop::first(request, &self.credential, self.egress.limits()) {
            Ok(first) => (HostPort::of(&first.url), self.in_time(first).await),
            Err(error) => (HostPort::unknown(), Err(error)),
        };
        let (provider, ms) = (&*self.provider, begun.elapsed().as_millis());
        match &result {
            Ok(Response { status, body, .. }) => tracing::debug!(
                provider.id = provider,
                "{method} {host} answered {status} with {} bytes in {ms} ms",
                body.len()
            ),
            // Warns once: a guest could fill the log.
            Err(error @ FetchError::Denied(_)) if !self.denied_before => {
                tracing::warn!(provider.id = provider, "{method} {host} was {error}");
                self.denied_before = true;
            }
            Err(error) => tracing::debug!(
                provider.id = provider,
                "{method} {host} failed after {ms} ms: {error}"
            ),
        }
        result
    }

    async fn in_time(&mut self, first: Hop) -> Result<Response, FetchError> {
        let left = self.wall.saturating_sub(self.begun.elapsed());
        let left = left.saturating_sub(ANSWER_RESERVE);
        if left.is_zero() {
            return Err(FetchError::Timeout);
        }
        let limit = left.min(self.egress.limits().call());
        match tokio::time::timeout(limit, self.follow(first)).await {
            Ok(result) => result,
            Err(_) => Err(FetchError::Timeout),
        }
    }

    async fn follow(&mut self, first: Hop) -> Result<Response, FetchError> {
        let home = first.origin();
        let mut hop = first;
        for _ in 0..=REDIRECTS_MAX {
            match self.exchange(&hop, &home).await? {
                Step::Done(response) => return Ok(response),
                Step::Redirect(next) => hop = next,
            }
        }
        Err(FetchError::other(format!(
            "the service redirects more than {REDIRECTS_MAX} times"
        )))
    }

    /// Checks, counts and sends one hop. It carries the credential only if its origin is
    /// `home`.
    async fn exchange(&mut self, hop: &Hop, home: &Origin) -> Result<Step, FetchError> {
        self.requests_left = self
            .requests_left
            .checked_sub(1)
            .ok_or(FetchError::LimitReached)?;
        self.policy.check(&hop.url)?;
        let host = HostPort::of(&hop.url);
        if let Some(refusal) = self.responses.paused(&host, self.time()) {
            return Ok(Step::Done(refusal));
        }
        self.take_bytes(hop.bytes())?;
        let at_home = hop.origin() == *home;
        let key = hop.is_repeatable().then(|| {
            let secret = self.credential.secret().filter(|_| at_home);
            Key::of(hop, secret)
        });
        let kept = key.and_then(|key| self.responses.find(key));
        let request = self.request(hop, at_home, kept.as_deref())?;

        let sent = self.egress.client().execute(request).await;
        let answer = sent.map_err(|error| FetchError::of_client(&error, &host))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        if let Some(pause) = pause(status, &headers, self.time()) {
            let until = self.time() + pause;
            self.responses.pause(host.clone(), status, until);
        }
        if let Some(next) = hop.redirected(status, &headers, &self.credential)? {
            return Ok(Step::Redirect(next));
        }
        let for_guest = self.headers(&headers)?;
        if let (StatusCode::NOT_MODIFIED, Some(kept)) = (status, kept) {
            return Ok(Step::Done(kept.refreshed(for_guest)));
        }
        let response = Response {
            status: status.as_u16(),
            headers: for_guest,
            body: self.read(answer, &host).await?,
        };
        if let Some(key) = key {
            let limits = self.egress.limits();
            self.responses.keep(key, &headers, &response, limits);
        }
        Ok(Step::Done(response))
    }

    fn request(
        &self,
        hop: &Hop,
        at_home: bool,
        kept: Option<&Kept>,
    ) -> Result<reqwest::Request, FetchError> {
        let (mut url, mut headers) = (hop.url.clone(), hop.headers.clone());
        if at_home {
            let attached = self.credential.attach(&mut url, &mut headers);
            attached.map_err(FetchError::other)?;
        }
        if let Some(kept) = kept {
            headers.insert(IF_NONE_MATCH, kept.etag.clone());
        }
        let mut request = reqwest::Request::new(hop.method.clone(), url);
        *request.headers_mut() = headers;
        *request.body_mut() = hop.body.clone().map(Into::into);
        Ok(request)
    }

    fn headers(&self, headers: &HeaderMap) -> Result<Vec<Header>, FetchError> {
        let headers: Vec<Header> = headers
            .iter()
            .filter(|(name, _)| !CONNECTION_HEADERS.contains(&name.as_str()))
            .map(|(name, value)| Header {
                name: name.as_str().to_owned(),
                value: String::from_utf8_lossy(value.as_bytes()).trim().to_owned(),
            })
            .collect();
        if header_bytes(&headers) > self.egress.limits().header_bytes_max {
            return Err(FetchError::TooLarge);
        }
        Ok(headers)
    }

    /// Reads a body up to its limit.
    async fn read(
        &mut self,
        mut answer: reqwest::Response,
        host: &HostPort,
    ) -> Result<Vec<u8>, FetchError> {
        let bytes_max = self.egress.limits().response_bytes_max;
        let announced = answer.content_length().unwrap_or(0);
        if announced > bytes_max as u64 {
            return Err(FetchError::TooLarge);
        }
        let mut body = Vec::new();
        loop {
            let chunk = answer.chunk().await;
            let Some(chunk) = chunk.map_err(|error| FetchError::of_client(&error, host))? else {
                return Ok(body);
            };
            if body.len() + chunk.len() > bytes_max {
                return Err(FetchError::TooLarge);
            }
            self.take_bytes(chunk.len())?;
            body.extend_from_slice(&chunk);
        }
    }

    fn take_bytes(&mut self, bytes: usize) -> Result<(), FetchError> {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.ok_or(FetchError::LimitReached)?;
        Ok(())
    }

    /// The current time on the poll's own clock.
    fn time(&self) -> Timestamp {
        self.now + self.begun.elapsed()
    }
}
