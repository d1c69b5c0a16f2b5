//! Scripts for guests that poll. A test passes a script as the cursor: `fetch` lists requests,
//! and `do` names a misbehavior. The guest sends the requests in order, and reports each
//! result as an event.

#[path = "told.rs"]
mod told;

use serde_json::{Value, json};
use told::{random, told};
use triggerhouse_sdk::http::{FetchError, Method, Request, fetch};
use triggerhouse_sdk::prelude::*;

/// The script of a poll, if its cursor is a script.
pub fn of(request: &PollRequest) -> Option<Value> {
    let cursor: Value = serde_json::from_str(request.cursor.as_deref()?).ok()?;
    cursor.is_object().then_some(cursor)
}

/// Sends the requests of a script, then misbehaves as it says.
pub fn run(script: &Value, request: &PollRequest) -> Result<PollPage, PollError> {
    let wanted = script["fetch"].as_array().cloned().unwrap_or_default();
    let events = wanted.iter().map(|item| told(send(item))).collect();
    let page = PollPage {
        events,
        cursor: "7".into(),
        more: false,
    };
    let text = || "x\0".repeat(5_000);
    match script["do"].as_str() {
        None => Ok(page),
        Some("trap") => panic!("the guest was told to panic"),
        Some("loop") => loop {
            std::hint::black_box(());
        },
        Some("sleep") => {
            std::thread::sleep(std::time::Duration::from_secs(3_600));
            Ok(page)
        }
        Some("hog") => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(std::hint::black_box(vec![1u8; 1 << 20]));
            }
        }
        Some("events") => Ok(PollPage {
            events: vec![told(json!({})); script["count"].as_u64().unwrap_or(0) as usize],
            ..page
        }),
        Some("cursor") => Ok(PollPage {
            cursor: script["text"].as_str().unwrap_or_default().into(),
            ..page
        }),
        Some("huge_cursor") => Ok(PollPage {
            cursor: format!("{:?}", "x".repeat(65_536)),
            ..page
        }),
        Some("title") => Ok(PollPage {
            events: vec![Event {
                title: "x".repeat(3_000),
                ..told(json!({}))
            }],
            ..page
        }),
        Some("saw") => {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let saw = json!({
                "now": request.now, "clock": now.unwrap_or_default().as_micros() as u64,
                "random": random(), "limit": request.limit, "configs": request.configs,
                "settings": request.settings,
            });
            Ok(PollPage {
                events: vec![told(saw)],
                more: true,
                ..page
            })
        }
        // The next page is always the same one.
        Some("circle") => Ok(PollPage {
            cursor: script.to_string(),
            more: true,
            ..page
        }),
        // Each page has a new event and a next page.
        Some("endless") => {
            let count = script["count"].as_u64().unwrap_or(0) + 1;
            let event = Event {
                dedup_key: format!("endless:{count}"),
                ..told(json!({}))
            };
            Ok(PollPage {
                events: vec![event],
                cursor: json!({ "do": "endless", "count": count }).to_string(),
                more: true,
            })
        }
        Some("rate_limited") => Err(PollError::RateLimited(Some(30))),
        Some("rate_limited_somehow") => Err(PollError::RateLimited(None)),
        Some("unauthorized") => Err(PollError::Unauthorized(text())),
        Some("invalid_cursor") => Err(PollError::InvalidCursor(text())),
        Some("unavailable") => Err(PollError::Unavailable(text())),
        Some(_) => Err(PollError::Other(text())),
    }
}

/// Accepts, unless the facts name a URL. Then it rejects, and the reason is the result of a
/// request to that URL.
pub fn verdict(facts: &Value) -> Verdict {
    match facts["fetch"].as_str() {
        Some(url) => Verdict::Reject(send(&json!({ "url": url })).to_string()),
        None => Verdict::Accept,
    }
}

/// Sends one request and reports the result.
fn send(item: &Value) -> Value {
    let headers = item["headers"].as_array().cloned().unwrap_or_default();
    let header = |pair: &Value| Header {
        name: pair[0].as_str().unwrap_or_default().into(),
        value: pair[1].as_str().unwrap_or_default().into(),
    };
    let body = match (&item["body"], item["body_bytes"].as_u64()) {
        (_, Some(bytes)) => Some(vec![b'x'; bytes as usize]),
        (body, _) => body.as_str().map(|text| text.as_bytes().to_vec()),
    };
    let answer = fetch(&Request {
        method: match item["method"].as_str() {
            Some("POST") => Method::Post,
            Some("PUT") => Method::Put,
            Some("PATCH") => Method::Patch,
            Some("DELETE") => Method::Delete,
            Some("HEAD") => Method::Head,
            _ => Method::Get,
        },
        url: item["url"].as_str().unwrap_or_default().into(),
        headers: headers.iter().map(header).collect(),
        body,
    });
    match answer {
        Ok(answer) => {
            let headers: Vec<_> = answer
                .headers
                .iter()
                .map(|header| json!([header.name, header.value]))
                .collect();
            json!({
                "status": answer.status, "headers": headers, "bytes": answer.body.len(),
                "body": String::from_utf8_lossy(&answer.body[..answer.body.len().min(4_096)]),
            })
        }
        Err(FetchError::Denied(reason)) => json!({ "denied": reason }),
        Err(FetchError::Timeout) => json!({ "timeout": true }),
        Err(FetchError::TooLarge) => json!({ "too_large": true }),
        Err(FetchError::LimitReached) => json!({ "limit_reached": true }),
        Err(FetchError::Unreachable(reason)) => json!({ "unreachable": reason }),
        Err(FetchError::Other(reason)) => json!({ "other": reason }),
    }
}
