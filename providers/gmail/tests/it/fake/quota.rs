//! Units per user and minute.

use super::Answer;
use std::collections::VecDeque;

/// Any 60 seconds, wherever they begin: whatever Google counts by, it is not stricter.
const WINDOW_MS: u64 = 60_000;

/// What was asked for in the last minute.
#[derive(Default)]
pub struct Minute(VecDeque<(u64, u64)>);

impl Minute {
    /// Counts a request, which may fail for other reasons; or refuses it, and then it
    /// does not count.
    pub fn charge(&mut self, target: &str, limit: u64, now_ms: u64) -> Result<(), Answer> {
        self.0.retain(|(at_ms, _)| at_ms + WINDOW_MS > now_ms);
        let spent: u64 = self.0.iter().map(|(_, units)| units).sum();
        let units = units(target);
        if spent + units > limit {
            // Both are documented.
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
