//! The wait before the next attempt.

use std::time::Duration;

/// Exponential backoff with full jitter: a uniform wait between zero and
/// `base · 2^(attempt-1)`, at most `max`.
///
/// Full jitter spreads the retries of simultaneous failures best
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The bound after the first attempt.
    pub base: Duration,
    /// The largest bound.
    pub max: Duration,
}

impl Backoff {
    /// The wait after `attempt` (from 1); `random` is uniform in 0..1.
    pub fn after(&self, attempt: i32, random: f64) -> Duration {
        let doublings = u32::try_from(attempt.saturating_sub(1))
            .unwrap_or(0)
            .min(30);
        let bound = self.base.saturating_mul(1 << doublings).min(self.max);
        bound.mul_f64(random.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_and_stops_at_the_maximum() {
        let backoff = Backoff {
            base: Duration::from_secs(1),
            max: Duration::from_secs(60),
        };
        assert_eq!(backoff.after(1, 1.0), Duration::from_secs(1));
        assert_eq!(backoff.after(4, 1.0), Duration::from_secs(8));
        assert_eq!(backoff.after(4, 0.5), Duration::from_secs(4));
        assert_eq!(backoff.after(1_000_000, 1.0), Duration::from_secs(60));
        assert_eq!(backoff.after(3, 0.0), Duration::ZERO);
    }
}
