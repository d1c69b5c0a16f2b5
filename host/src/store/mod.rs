//! The store: the only SQL.
//!
//! Owns: SQLite and Postgres behind one type, every statement written once; what
//! differs by nature (claims, batch writes) has both forms in the same file.
//! Each method is a whole transition in its own transaction; nothing outside
//! begins one. Times come in as parameters. A status is always bound, never
//! spelled out in SQL.
//! Never does: decide anything about events, or see a provider.

mod automations;
mod backlog;
mod body;
mod chores;
mod claim;
mod credentials;
mod dead_letters;
mod error;
mod events;
mod give_back;
mod history;
mod inbox;
mod integrations;
mod keys;
mod lifecycle;
mod lock;
mod manual;
mod matching;
mod outbox;
mod page;
mod polls;
mod pool;
mod receive;
mod renewals;
mod replay;
mod retention;
mod routes;
mod runs;
mod schedules;
mod sealed;
mod secrets;
mod settle;
mod signal;
mod sinks;
mod ticks;
mod triggers;
mod undelivered;

pub use automations::AutomationPatch;
pub use backlog::{Backlog, PoolUse, Queue};
pub use chores::Chore;
pub use claim::{Claim, UnreadableDelivery};
pub use credentials::{CredentialChange, SealedAccess, SealedCredential, StoredCredential};
pub use dead_letters::{DeadLetterChange, RetryFilter};
pub use error::StoreError;
pub use events::{EventFilter, EventSkip};
pub use integrations::{IntegrationPatch, NewIntegration};
pub use keys::ApiKey;
pub use lifecycle::{LifecycleNews, LifecycleOutcome, LifecycleSubject};
pub use manual::ManualRun;
pub use matching::{IntegrationState, Matching, OwnerKey};
pub use page::{Page, PageRequest};
pub use polls::{
    AfterPage, ClaimedPoll, PageSettled, PollAsked, PollDisposition, PollPageSettlement,
    PollSettled, PollWork,
};
pub use pool::{Store, StoreOptions};
pub use receive::{PackedDelivery, Stored};
pub use renewals::{Renewal, RenewalOf};
pub use replay::Replay;
pub use retention::{Collected, CollectedRows, Horizon};
pub use routes::{RouteChange, RouteSource, RouteSubject, SealedSecret};
pub use runs::{FinalizerPass, RunActionOutcome, RunFilter, TimedOutRun};
pub use schedules::{NewSchedule, ScheduleDeletion, SchedulePatch};
pub use sealed::SealedValue;
pub use settle::{Owner, Settled, Settlement};
pub use signal::{Signal, SignalListener};
pub use sinks::{
    Dispatch, MessageProspect, NewSink, NewSinkPlace, SinkNews, SinkPatch, SinkTarget,
};
pub use ticks::Fired;
pub use triggers::{
    NewTrigger, TickTiming, TriggerAutomation, TriggerDoor, TriggerPatch, TriggerPoll,
};
pub use undelivered::{UndeliveredChange, UndeliveredFilter, UndeliveredOutcome};
