//! The store as handlers use it: each write wakes the workers and consumers that it concerns.
//!
//! Owns: which write concerns which waiter. A handler calls the store and raises no
//! signal itself, so it cannot forget one.
//! Never does: SQL, or a decision. Each method forwards to the method of [`Store`] that
//! has the same name; reads reach the store through [`Deref`].

use crate::domain::event::Event;
use crate::domain::integration::Integration;
use crate::domain::outbox::LeaseOutcome;
use crate::domain::resource::{Trigger, TriggerKind};
use crate::domain::schedule::{FiringLimits, Schedule};
use crate::domain::{
    AutomationId, DeliveryId, DeliveryStatus, IntegrationId, OrgId, OutboxId, PollGroupId,
    ScheduleId, SinkId, Timestamp, TriggerId,
};
use crate::signals::Signals;
use crate::store::{
    DeliveryChange, DeliveryFilter, HeldChange, IntegrationPatch, ManualRun, NewIntegration,
    NewSink, NewTrigger, PollAsked, Replay, Resumed, RouteSubject, SchedulePatch, SealedSecret,
    Signal, SinkPatch, Store, StoreError, TriggerPatch, UndeliveredChange, UndeliveredOutcome,
};
use std::ops::Deref;
use uuid::Uuid;

/// A [`Store`] whose writes raise signals once they are committed.
#[derive(Debug)]
pub struct WakingStore {
    store: Store,
    signals: Signals,
}

impl Deref for WakingStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl WakingStore {
    /// Raises the signals of `store`'s writes on `signals`.
    pub(super) fn new(store: Store, signals: Signals) -> Self {
        Self { store, signals }
    }

    fn wake(&self, signals: &[Signal]) {
        for signal in signals {
            self.signals.raise(*signal);
        }
    }

    pub(super) async fn create_trigger(
        &self,
        org: &OrgId,
        new: &NewTrigger,
        now: Timestamp,
    ) -> Result<Trigger, StoreError> {
        let trigger = self.store.create_trigger(org, new, now).await?;
        self.wake(&[Signal::Routes]);
        self.wake_pollers(&trigger);
        Ok(trigger)
    }

    pub(super) async fn update_trigger(
        &self,
        org: &OrgId,
        id: TriggerId,
        patch: &TriggerPatch,
        limits: FiringLimits,
        now: Timestamp,
    ) -> Result<Option<(Trigger, Option<String>)>, StoreError> {
        let changed = self.store.update_trigger(org, id, patch, limits, now);
        let changed = changed.await?;
        if let Some((trigger, _)) = &changed {
            // The change fires the ticks that were due before it.
            self.wake(&[Signal::Routes, Signal::Outbox]);
            self.wake_pollers(trigger);
        }
        Ok(changed)
    }

    pub(super) async fn delete_trigger(
        &self,
        org: &OrgId,
        id: TriggerId,
        limits: FiringLimits,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let found = self.store.delete_trigger(org, id, limits, now).await?;
        if found {
            // The deletion fires the ticks that were due before it.
            self.wake(&[Signal::Routes, Signal::Outbox]);
        }
        Ok(found)
    }

    fn wake_pollers(&self, trigger: &Trigger) {
        if trigger.kind == TriggerKind::Polling {
            self.wake(&[Signal::Polls]);
        }
    }

    pub(super) async fn delete_automation(
        &self,
        org: &OrgId,
        id: AutomationId,
        limits: FiringLimits,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let found = self.store.delete_automation(org, id, limits, now).await?;
        if found {
            // The deletion fires the ticks that were due before it.
            self.wake(&[Signal::Routes, Signal::Outbox]);
        }
        Ok(found)
    }

    pub(super) async fn run_manually(
        &self,
        org: &OrgId,
        automation: AutomationId,
        facts: String,
        now: Timestamp,
    ) -> Result<ManualRun, StoreError> {
        let run = self.store.run_manually(org, automation, facts, now).await?;
        if let ManualRun::Started(..) = run {
            self.wake(&[Signal::Outbox]);
        }
        Ok(run)
    }

    pub(super) async fn update_schedule(
        &self,
        org: &OrgId,
        id: ScheduleId,
        patch: &SchedulePatch,
        limits: FiringLimits,
        now: Timestamp,
    ) -> Result<Option<Schedule>, StoreError> {
        let changed = self.store.update_schedule(org, id, patch, limits, now);
        let changed = changed.await?;
        if changed.is_some() {
            // The change fires the ticks that were due before it.
            self.wake(&[Signal::Routes, Signal::Outbox]);
        }
        Ok(changed)
    }

    pub(super) async fn create_integration(
        &self,
        org: &OrgId,
        new: &NewIntegration,
        now: Timestamp,
    ) -> Result<Integration, StoreError> {
        let integration = self.store.create_integration(org, new, now).await?;
        self.wake(&[Signal::Routes]);
        Ok(integration)
    }

    pub(super) async fn update_integration(
        &self,
        org: &OrgId,
        id: IntegrationId,
        patch: &IntegrationPatch,
        now: Timestamp,
    ) -> Result<Option<Integration>, StoreError> {
        let changed = self.store.update_integration(org, id, patch, now).await?;
        if changed.is_some() {
            // A new status or credential may let its group poll again.
            self.wake(&[Signal::Routes, Signal::Polls]);
        }
        Ok(changed)
    }

    pub(super) async fn delete_integration(
        &self,
        org: &OrgId,
        id: IntegrationId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let found = self.store.delete_integration(org, id, now).await?;
        if found {
            self.wake(&[Signal::Routes]);
        }
        Ok(found)
    }

    pub(super) async fn rotate_secret(
        &self,
        org: &OrgId,
        subject: RouteSubject,
        secret: &SealedSecret,
        old_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let rotated = self
            .store
            .rotate_secret(org, subject, secret, old_until, now);
        let found = rotated.await?;
        if found {
            self.wake(&[Signal::Routes]);
        }
        Ok(found)
    }

    pub(super) async fn poll_now(
        &self,
        org: &OrgId,
        id: PollGroupId,
        forget_cursor: bool,
        now: Timestamp,
    ) -> Result<PollAsked, StoreError> {
        let asked = self.store.poll_now(org, id, forget_cursor, now).await?;
        if let PollAsked::Asked(_) = asked {
            self.wake(&[Signal::Polls]);
        }
        Ok(asked)
    }

    pub(super) async fn replay_event(
        &self,
        org: &OrgId,
        event: &Event,
        now: Timestamp,
    ) -> Result<Replay, StoreError> {
        let replay = self.store.replay_event(org, event, now).await?;
        if let Replay::Started(_) = replay {
            self.wake(&[Signal::Outbox]);
        }
        Ok(replay)
    }

    pub(super) async fn change_delivery(
        &self,
        org: &OrgId,
        id: DeliveryId,
        change: DeliveryChange,
        now: Timestamp,
    ) -> Result<Option<(DeliveryStatus, bool)>, StoreError> {
        let found = self.store.change_delivery(org, id, change, now).await?;
        if change == DeliveryChange::Retry && found.is_some_and(|(_, is_done)| is_done) {
            self.wake(&[Signal::Inbox]);
        }
        Ok(found)
    }

    pub(super) async fn resume(
        &self,
        org: &OrgId,
        subject: RouteSubject,
        held: HeldChange,
        max: u32,
        now: Timestamp,
    ) -> Result<Option<Resumed>, StoreError> {
        let resumed = self.store.resume(org, subject, held, max, now).await?;
        if held == HeldChange::Process && resumed.is_some_and(|resumed| resumed.deliveries > 0) {
            self.wake(&[Signal::Inbox]);
        }
        Ok(resumed)
    }

    pub(super) async fn change_deliveries(
        &self,
        org: &OrgId,
        filter: &DeliveryFilter,
        change: DeliveryChange,
        max: u32,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let changed = self.store.change_deliveries(org, filter, change, max, now);
        let changed = changed.await?;
        if change == DeliveryChange::Retry && changed > 0 {
            self.wake(&[Signal::Inbox]);
        }
        Ok(changed)
    }

    pub(super) async fn nack_message(
        &self,
        org: &OrgId,
        id: OutboxId,
        token: Uuid,
        retry_at: Option<Timestamp>,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<LeaseOutcome, StoreError> {
        let outcome = self
            .store
            .nack_message(org, id, token, retry_at, error, now);
        let outcome = outcome.await?;
        // A later retry wakes nobody: waiters look again from time to time.
        if retry_at.is_some_and(|at| at <= now) {
            self.wake(&[Signal::Outbox]);
        }
        Ok(outcome)
    }

    pub(super) async fn change_undelivered(
        &self,
        org: &OrgId,
        id: OutboxId,
        change: UndeliveredChange,
        actor: &str,
        now: Timestamp,
    ) -> Result<UndeliveredOutcome, StoreError> {
        let outcome = self.store.change_undelivered(org, id, change, actor, now);
        let outcome = outcome.await?;
        if let (UndeliveredChange::Retry, UndeliveredOutcome::Done(_)) = (change, &outcome) {
            self.wake(&[Signal::Outbox]);
        }
        Ok(outcome)
    }

    pub(super) async fn create_sink(
        &self,
        org: &OrgId,
        new: &NewSink,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.create_sink(org, new, now).await?;
        self.wake(&[Signal::Outbox]);
        Ok(())
    }

    pub(super) async fn update_sink(
        &self,
        org: &OrgId,
        id: SinkId,
        patch: &SinkPatch,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let found = self.store.update_sink(org, id, patch, now).await?;
        if found {
            self.wake(&[Signal::Outbox]);
        }
        Ok(found)
    }

    pub(super) async fn delete_sink(&self, org: &OrgId, id: SinkId) -> Result<bool, StoreError> {
        let found = self.store.delete_sink(org, id).await?;
        if found {
            // Its messages wait for consumers that claim them.
            self.wake(&[Signal::Outbox]);
        }
        Ok(found)
    }
}
