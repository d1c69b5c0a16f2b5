//! Which fields belong to which kind of trigger: one that its kind has no use for is a
//! mistake.

use crate::api::check::Checks;
use crate::domain::resource::TriggerKind;

/// Notes each of `fields` that is there and that a trigger of this kind has no use for.
pub(super) fn check_fields(checks: &mut Checks, kind: TriggerKind, fields: &[(&str, bool)]) {
    for (pointer, is_there) in fields {
        if *is_there && !belongs(pointer, kind) {
            checks.add(*pointer, format!("a trigger of the kind {kind} has none"));
        }
    }
}

fn belongs(pointer: &str, kind: TriggerKind) -> bool {
    use TriggerKind::{Polling, Scheduled, Webhook};
    match pointer {
        "/provider" | "/integration_id" | "/config" => matches!(kind, Webhook | Polling),
        "/poll_interval_seconds" => kind == Polling,
        "/cron" | "/timezone" => matches!(kind, Scheduled | Polling),
        "/schedule_id" | "/missed_ticks" => kind == Scheduled,
        _ => true,
    }
}
