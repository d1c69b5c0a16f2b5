//! The memory of a service for one poll group: responses that can be revalidated by their
//! ETags, and pauses that the service asked for.
//!
//! It is bounded, and lost with the process. Without it a poll finds the same, at a higher
//! cost.

use crate::domain::Timestamp;
use crate::domain::delivery::Header;
use crate::egress::hop::{Hop, Response, header_bytes};
use crate::egress::limits::EgressLimits;
use crate::egress::policy::HostPort;
use crate::secret::Secret;
use reqwest::StatusCode;
use reqwest::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue, VARY};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The number of hosts whose pauses are kept. A provider with more hosts loses the oldest
/// pause, and the service asks for it again.
const PAUSES_MAX: usize = 16;

/// The memory of one poll group. Groups never share one: the responses belong to the
/// group's credential.
#[derive(Default)]
pub struct ResponseCache(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    /// The last used response first.
    kept: VecDeque<(Key, Arc<Kept>)>,
    /// The newest pause first.
    pauses: VecDeque<(HostPort, Pause)>,
}

/// A digest of everything that a response depends on: URL, headers and credential. None of
/// them is kept itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key([u8; 32]);

/// A response with status 200 and an ETag.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) etag: HeaderValue,
    response: Response,
}

/// A pause that a service asked for.
#[derive(Clone, Copy, Debug)]
struct Pause {
    status: StatusCode,
    until: Timestamp,
}

impl ResponseCache {
    /// The end of the longest pause of the group's hosts, if it is after `now`. Calls to a
    /// host within its pause are answered here.
    pub fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = |memory: &mut Memory| memory.pauses.iter().map(|(_, pause)| pause.until).max();
        self.with(ends).filter(|until| *until > now)
    }

    /// The response to a request within the host's pause.
    pub(crate) fn paused(&self, host: &HostPort, now: Timestamp) -> Option<Response> {
        let pause = self.with(|memory| {
            let mut pauses = memory.pauses.iter();
            pauses
                .find(|(paused, _)| paused == host)
                .map(|(_, pause)| *pause)
        })?;
        let left = u64::try_from(pause.until.micros_since(now)).ok()?;
        let seconds = Duration::from_micros(left).as_secs_f64().ceil();
        (left > 0).then(|| Response {
            status: pause.status.as_u16(),
            headers: vec![Header {
                name: "retry-after".into(),
                value: format!("{seconds:.0}"),
            }],
            body: Vec::new(),
        })
    }

    /// Keeps a pause, and drops an earlier one of the same host.
    pub(crate) fn pause(&self, host: HostPort, status: StatusCode, until: Timestamp) {
        self.with(|memory| {
            memory.pauses.retain(|(paused, _)| *paused != host);
            memory.pauses.push_front((host, Pause { status, until }));
            memory.pauses.truncate(PAUSES_MAX);
        });
    }

    /// The response that was kept under `key`.
    pub(crate) fn find(&self, key: Key) -> Option<Arc<Kept>> {
        self.with(|memory| {
            let index = memory.kept.iter().position(|(kept, _)| *kept == key)?;
            let entry = memory.kept.remove(index)?;
            let kept = Arc::clone(&entry.1);
            memory.kept.push_front(entry);
            Some(kept)
        })
    }

    /// Keeps a response if that is allowed and it fits. Drops an earlier one in any case.
    pub(crate) fn keep(
        &self,
        key: Key,
        headers: &HeaderMap,
        response: &Response,
        limits: &EgressLimits,
    ) {
        let etag = headers.get(ETAG).filter(|_| may_be_kept(headers, response));
        let fits = size(response) <= limits.kept_response_bytes_max.min(limits.kept_bytes_max);
        let kept = etag.filter(|_| fits).map(|etag| Kept {
            etag: etag.clone(),
            response: response.clone(),
        });
        self.with(|memory| {
            memory.kept.retain(|(found, _)| *found != key);
            if let Some(kept) = kept {
                memory.kept.push_front((key, Arc::new(kept)));
            }
            memory.kept.truncate(limits.kept_responses_max);
            while memory.bytes() > limits.kept_bytes_max {
                memory.kept.pop_back();
            }
        });
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Memory) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Memory {
    fn bytes(&self) -> usize {
        self.kept.iter().map(|(_, kept)| size(&kept.response)).sum()
    }
}

impl fmt::Debug for ResponseCache {
    /// Without the responses, which belong to a tenant.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseCache").finish_non_exhaustive()
    }
}

impl Key {
    pub(crate) fn of(hop: &Hop, credential: Option<&Secret>) -> Self {
        let mut parts = vec![
            hop.url.as_str().as_bytes(),
            credential.map_or("", Secret::expose).as_bytes(),
        ];
        let mut headers: Vec<_> = hop.headers.iter().collect();
        // A stable sort keeps the order of the values of one name.
        headers.sort_by_key(|(name, _)| name.as_str());
        for (name, value) in headers {
            parts.extend([name.as_str().as_bytes(), value.as_bytes()]);
        }
        let mut digest = Sha256::new();
        for part in parts {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }
}

impl Kept {
    /// The response to a request that the service answered with 304 and newer `headers`
    /// (RFC 9111 section 3.2).
    pub(crate) fn refreshed(&self, headers: Vec<Header>) -> Response {
        let newer: Vec<Header> = headers
            .into_iter()
            .filter(|header| !header.name.starts_with("content-"))
            .collect();
        let stays = |old: &&Header| !newer.iter().any(|new| new.name == old.name);
        let mut headers: Vec<Header> = self
            .response
            .headers
            .iter()
            .filter(stays)
            .cloned()
            .collect();
        headers.extend(newer);
        Response {
            status: self.response.status,
            headers,
            body: self.response.body.clone(),
        }
    }
}

fn may_be_kept(headers: &HeaderMap, response: &Response) -> bool {
    let says = |name, word: &str| {
        headers.get_all(name).iter().any(|value| {
            let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
            text.split(',').any(|item| item.trim() == word)
        })
    };
    response.status == 200 && !says(CACHE_CONTROL, "no-store") && !says(VARY, "*")
}

fn size(response: &Response) -> usize {
    response.body.len() + header_bytes(&response.headers)
}

#[cfg(test)]
mod tests;
