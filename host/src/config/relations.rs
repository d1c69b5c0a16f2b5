//! The relations between settings: one must be larger than another.
//!
//! Owns: every check that needs two settings.
//! Never does: check one alone; its type does.

use super::retention::RetentionConfig;
use super::sections::{InboxConfig, PollingConfig, SinksConfig};
use anyhow::ensure;

/// Refuses settings that contradict each other.
///
/// # Errors
/// Names the setting to change, and the one it is compared with.
pub(super) fn check(
    inbox: &InboxConfig,
    polling: &PollingConfig,
    sinks: &SinksConfig,
    retention: &RetentionConfig,
) -> anyhow::Result<()> {
    let (lease, timeout) = (sinks.lease_seconds, sinks.timeout_ms);
    ensure!(
        lease.duration() >= timeout.duration() * 2,
        "sinks.lease_seconds: expected at least twice sinks.timeout_ms, which is {timeout}, got \
         {lease}: no other dispatcher may send a message that is being sent"
    );
    for (section, base, max) in [
        ("inbox", inbox.retry_base_ms, inbox.retry_max_ms),
        ("polling", polling.retry_base_ms, polling.retry_max_ms),
        ("sinks", sinks.retry_base_ms, sinks.retry_max_ms),
    ] {
        ensure!(
            max.u64() >= base.u64(),
            "{section}.retry_max_ms: expected at least {section}.retry_base_ms, which is {base}, \
             got {max}"
        );
    }
    // Otherwise every pass would look at all events whose runs are still kept.
    let (events, runs) = (retention.events_days.u64(), retention.runs_days.u64());
    let reason = "an event stays as long as its run";
    ensure!(
        events == 0 || runs != 0,
        "retention.events_days: expected 0 (keep forever), because retention.runs_days is 0, got \
         {events}: {reason}"
    );
    ensure!(
        events == 0 || events >= runs,
        "retention.events_days: expected 0 (keep forever) or at least retention.runs_days, which \
         is {runs}, got {events}: {reason}"
    );
    Ok(())
}
