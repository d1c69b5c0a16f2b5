//! The decision about an event, for each trigger that sees it.

use crate::domain::event::{DecidedEvent, Decision, ParsedEvent, SkipReason, Verdict};
use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::domain::resource::ActiveTrigger;
use std::sync::Arc;

/// Decides one event for each trigger, by the filter's verdicts in the same order.
///
/// A disabled automation outranks the verdict, because its owner wants to see that reason.
/// A trigger without a verdict (the provider returned too few) is skipped visibly, not
/// silently.
pub fn decide(
    event: &Arc<ParsedEvent>,
    triggers: &[ActiveTrigger],
    verdicts: &[Verdict],
) -> Vec<DecidedEvent> {
    triggers
        .iter()
        .enumerate()
        .map(|(index, trigger)| DecidedEvent {
            org: trigger.org.clone(),
            trigger: trigger.id,
            automation: trigger.automation,
            event: Arc::clone(event),
            decision: decide_one(trigger, verdicts.get(index)),
        })
        .collect()
}

fn decide_one(trigger: &ActiveTrigger, verdict: Option<&Verdict>) -> Decision {
    let skip = |reason, detail: &str| Decision::Skip {
        reason,
        detail: (!detail.is_empty()).then(|| bounded(detail, REASON_BYTES_MAX)),
    };
    if !trigger.automation_enabled {
        return skip(SkipReason::AutomationDisabled, "");
    }
    match verdict {
        Some(Verdict::Accept) => Decision::Run,
        Some(Verdict::Reject(reason)) => skip(SkipReason::FilterMismatch, reason),
        Some(Verdict::InvalidConfig(reason)) => skip(SkipReason::InvalidConfig, reason),
        None => skip(
            SkipReason::InvalidConfig,
            "the provider returned no verdict",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AutomationId, TriggerId};

    fn trigger(automation_enabled: bool) -> ActiveTrigger {
        ActiveTrigger {
            id: TriggerId::new(),
            org: "acme".parse().unwrap(),
            automation: AutomationId::new(),
            automation_enabled,
            integration_status: None,
            is_held: false,
            config: "{}".into(),
        }
    }

    fn event() -> Arc<ParsedEvent> {
        Arc::new(ParsedEvent {
            dedup_key: "k".into(),
            kind: "push".into(),
            occurred_at: None,
            title: "t".into(),
            url: None,
            actor: None,
            facts: "{}".into(),
        })
    }

    #[test]
    fn a_disabled_automation_outranks_the_verdict() {
        let decided = decide(&event(), &[trigger(false)], &[Verdict::Accept]);
        assert!(matches!(
            decided[0].decision,
            Decision::Skip {
                reason: SkipReason::AutomationDisabled,
                detail: None
            }
        ));
    }

    #[test]
    fn each_trigger_gets_its_own_verdict_and_none_is_forgotten() {
        let triggers = [trigger(true), trigger(true), trigger(true)];
        let verdicts = [
            Verdict::Reject("labels: none of them".into()),
            Verdict::Accept,
        ];
        let decided = decide(&event(), &triggers, &verdicts);
        assert!(matches!(&decided[0].decision,
            Decision::Skip { reason: SkipReason::FilterMismatch, detail: Some(d) } if d == "labels: none of them"));
        assert_eq!(decided[1].decision, Decision::Run);
        assert!(matches!(
            decided[2].decision,
            Decision::Skip {
                reason: SkipReason::InvalidConfig,
                ..
            }
        ));
    }
}
