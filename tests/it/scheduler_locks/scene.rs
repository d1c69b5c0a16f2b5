//! An automation with scheduled triggers, and the changes that may happen to it.

use serde_json::json;
use std::time::Duration;
use triggerhouse::domain::resource::TriggerKind;
use triggerhouse::domain::schedule::{FiringLimits, MissedTicks, PROVIDER};
use triggerhouse::domain::{AutomationId, OrgId, ScheduleId, Timestamp, TriggerId};
use triggerhouse::store::{
    NewSchedule, NewTrigger, SchedulePatch, Store, StoreError, TickTiming, TriggerAutomation,
    TriggerPatch,
};

pub const LIMITS: FiringLimits = FiringLimits {
    late: Duration::from_secs(60),
    missed_ticks_max: 10,
    events_max: 500,
};
/// 2030-01-01T10:00:00Z: all triggers are due.
pub const DUE: Timestamp = Timestamp(1_893_492_000_000_000);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const HALF_AN_HOUR: Duration = Duration::from_secs(1800);
pub const HOURLY: &str = "0 * * * *";
const HALF_PAST: &str = "30 * * * *";

pub fn org() -> OrgId {
    "acme".parse().unwrap()
}

pub fn now() -> Timestamp {
    DUE + Duration::from_secs(1)
}

/// An automation with a trigger that has its own cron, and one that follows a schedule.
#[derive(Clone)]
pub struct Scene {
    store: Store,
    pub automation: AutomationId,
    schedule: ScheduleId,
    pub follower: TriggerId,
    pub own: TriggerId,
}

fn trigger(automation: AutomationId, schedule: Option<ScheduleId>) -> NewTrigger {
    let own = (HOURLY.to_owned(), "UTC".to_owned());
    NewTrigger {
        id: TriggerId::new(),
        automation: TriggerAutomation::Existing(automation),
        name: "t".into(),
        provider: PROVIDER.into(),
        kind: TriggerKind::Scheduled,
        integration: None,
        config: json!({}),
        enabled: true,
        endpoint: None,
        clock: Some(TickTiming {
            cron: schedule.is_none().then_some(own),
            schedule,
            missed_ticks: MissedTicks::All,
        }),
        poll: None,
    }
}

fn schedule() -> NewSchedule {
    NewSchedule {
        name: "s".into(),
        cron: HOURLY.into(),
        timezone: "UTC".into(),
    }
}

/// A change that may happen to the automation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    Fire,
    ChangeSchedule,
    ChangeOwn,
    SwitchFollower,
    Unfollow,
    DeleteOwn,
    DeleteAutomation,
    CreateSchedule,
    CreateTrigger,
    CreateFollower,
    RunByHand,
}

/// The changes that fire due ticks, and so can be stopped in the middle.
pub const FIRING: [Act; 7] = [
    Act::Fire,
    Act::ChangeSchedule,
    Act::ChangeOwn,
    Act::SwitchFollower,
    Act::Unfollow,
    Act::DeleteOwn,
    Act::DeleteAutomation,
];
pub const OTHERS: [Act; 4] = [
    Act::CreateSchedule,
    Act::CreateTrigger,
    Act::CreateFollower,
    Act::RunByHand,
];

impl Scene {
    pub async fn new(store: &Store) -> Self {
        let before = Timestamp(DUE.0 - 60_000_000);
        let (org, schedule) = (org(), schedule());
        let automation = store.create_automation(&org, "a", true, before).await;
        let automation = automation.unwrap().id;
        let created = store.create_schedule(&org, automation, &schedule, before);
        let schedule = created.await.unwrap().unwrap().id;
        let (own, follower) = (
            trigger(automation, None),
            trigger(automation, Some(schedule)),
        );
        for new in [&own, &follower] {
            let created = store.create_trigger(&org, new, before).await.unwrap();
            assert_eq!(created.next_tick_at, Some(DUE));
        }
        Self {
            store: store.clone(),
            automation,
            schedule,
            follower: follower.id,
            own: own.id,
        }
    }

    /// Makes the change. Changing something deleted is no error.
    pub async fn act(self, act: Act) -> Result<(), StoreError> {
        let (store, org) = (&self.store, &org());
        let patch = |id, patch: TriggerPatch| async move {
            let changed = store.update_trigger(org, id, &patch, LIMITS, now()).await;
            changed.map(drop)
        };
        let create = |new: NewTrigger| async move {
            match store.create_trigger(org, &new, now()).await {
                Err(StoreError::Missing { .. }) => Ok(()),
                created => created.map(drop),
            }
        };
        match act {
            Act::Fire => store.fire_due(now(), LIMITS, 100).await.map(drop),
            Act::ChangeSchedule => {
                let patch = SchedulePatch {
                    cron: Some(HALF_PAST.into()),
                    ..SchedulePatch::default()
                };
                let changed = store.update_schedule(org, self.schedule, &patch, LIMITS, now());
                changed.await.map(drop)
            }
            Act::ChangeOwn => {
                let change = TriggerPatch {
                    cron: Some(HALF_PAST.into()),
                    ..TriggerPatch::default()
                };
                patch(self.own, change).await
            }
            Act::SwitchFollower => {
                let change = TriggerPatch {
                    enabled: Some(true),
                    ..TriggerPatch::default()
                };
                patch(self.follower, change).await
            }
            Act::Unfollow => {
                let change = TriggerPatch {
                    cron: Some(HALF_PAST.into()),
                    timezone: Some("UTC".into()),
                    ..TriggerPatch::default()
                };
                patch(self.follower, change).await
            }
            Act::DeleteOwn => {
                let deleted = store.delete_trigger(org, self.own, LIMITS, now());
                deleted.await.map(drop)
            }
            Act::DeleteAutomation => {
                let deleted = store.delete_automation(org, self.automation, LIMITS, now());
                deleted.await.map(drop)
            }
            Act::CreateSchedule => {
                let new = schedule();
                let created = store.create_schedule(org, self.automation, &new, now());
                created.await.map(drop)
            }
            Act::CreateTrigger => create(trigger(self.automation, None)).await,
            Act::CreateFollower => create(trigger(self.automation, Some(self.schedule))).await,
            Act::RunByHand => {
                let run = store.run_manually(org, self.automation, "{}".into(), now());
                run.await.map(drop)
            }
        }
    }

    /// The next tick of a trigger; none if the trigger is deleted.
    pub async fn next(&self, id: TriggerId) -> Option<Timestamp> {
        let trigger = self.store.trigger(&org(), id).await.unwrap();
        trigger.and_then(|(trigger, _)| trigger.next_tick_at)
    }
}
