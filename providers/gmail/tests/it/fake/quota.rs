//! The quota per user and minute.

use super::Answer;
use std::collections::VecDeque;

/// The window slides, which is at least as strict as Google's unknown one.
const WINDOW_MS: u64 = 60_000;

/// The requests of the last minute: time and units.
#[derive(Default)]
pub struct Minute(VecDeque<(u64, u64)>);

impl Minute {
    /// Counts a request, which may still fail, or refuses it without counting.
    pub fn charge(&mut self, target: &str, limit: u64, now_ms: u64) -> Result<(), Answer> {
        self.0.retain(|(at_ms, _)| at_ms + WINDOW_MS > now_ms);
        let spent: u64 = self.0.iter().map(|(_, units)| units).sum();
        let units = units(target);
        if spent + units > limit {
            // Google documents both.
            let status = if spent.is_multiple_of(2) { 403 } else { 429 };
            let text = "Quota exceeded for quota metric 'Queries'";
            return Err(Answer::error(status, "rateLimitExceeded", text));
        }
        self.0.push_back((now_ms, units));
        Ok(())
    }
}

fn units(target: &str) -> u64 {
    let path = target.split('?').next().unwrap_or_default();
    match path.strip_prefix("/gmail/v1/users/me/") {
        Some("profile" | "labels") => 1,
        Some("history") => 2,
        Some("messages") => 5,
        Some(path) if path.starts_with("messages/") => 20,
        _ => 0,
    }
}
