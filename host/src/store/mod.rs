//! The store: the only SQL.
//!
//! Owns: SQLite and Postgres behind one type, each statement written once. A folder or file
//! is about one table. A public method is a whole transition in its own transaction, and
//! nothing outside begins one; helpers inside take the transaction as `&mut Tx`. Times come
//! in as parameters. A status is always bound, never spelled out in SQL.
//! Never does: decide anything about events, or see a provider.
//!
//! Every method fails with [`StoreError::Unavailable`] when the database is unavailable and
//! with [`StoreError::Busy`] when it gave the method up. Then nothing is written, unless only
//! the answer to the commit was lost.
#![allow(clippy::missing_errors_doc, reason = "said once above")]

mod automations;
mod backlog;
mod chores;
mod consequence;
mod credentials;
mod db;
mod error;
mod events;
mod history;
mod inbox;
mod integrations;
mod keys;
mod outbox;
mod page;
mod polls;
mod retention;
mod routes;
mod runs;
mod schedules;
mod secrets;
mod signal;
mod sinks;
mod triggers;

pub use automations::AutomationPatch;
pub use backlog::{Backlog, PoolUse, Queue};
pub use chores::Chore;
pub use credentials::{Renewal, RenewalOf, SealedAccess, SealedCredential, StoredCredential};
pub use db::{Share, Store, StoreOptions, call_is_of, in_call};
pub use error::StoreError;
pub use events::{EventFilter, EventSkip, ManualRun, Replay};
pub use inbox::{
    Claim, ClaimMemory, DeliveryChange, DeliveryFilter, Dropped, HeldChange, IntegrationState,
    LaneClaim, LaneShare, Matching, OperatorFilter, OwnedDelivery, Owner, OwnerKey, PackedDelivery,
    Resumed, Returned, Settled, Settlement, Stored, UnreadableDelivery,
};
pub use integrations::{
    IntegrationPatch, LifecycleNews, LifecycleOutcome, LifecycleSubject, NewIntegration,
};
pub use keys::ApiKey;
pub use outbox::{UndeliveredChange, UndeliveredFilter, UndeliveredOutcome};
pub use page::{Page, PageRequest};
pub use polls::{
    AfterPage, ClaimedPoll, DuePoll, PageSettled, PollAsked, PollDisposition, PollPageSettlement,
    PollSettled, PollWork,
};
pub use retention::{Collected, CollectedRows, Horizon, Places};
pub use routes::{RouteChange, RouteSource, RouteSubject};
pub use runs::{FinalizerPass, RunActionOutcome, RunFilter, TimedOutRun};
pub use schedules::{NewSchedule, ScheduleDeletion, SchedulePatch};
pub use secrets::{SealedSecret, SealedValue};
pub use signal::SignalListener;
pub use sinks::{Dispatch, EnabledSink, NewSink, SinkNews, SinkPatch, SinkTarget};
pub use triggers::{
    Fired, NewTrigger, TickTiming, TriggerAutomation, TriggerPatch, TriggerPoll, WebhookEndpoint,
};
