//! What goes wrong when a guest is called, and what that means for its delivery or
//! its poll.

use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::domain::poll::PollError;
use crate::provider::limiter::MemoryLimiter;
use crate::provider::limits::CallLimits;
use std::fmt;
use wasmtime::{PoolConcurrencyLimitError, Trap};

/// What becomes of the work that met an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// It is tried again, after a backoff: another attempt may succeed.
    Retry,
    /// It becomes a dead letter: another attempt would end the same.
    Fail,
}

/// A call that returned nothing usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuestError {
    /// It computed for too long.
    #[error("the provider computed for more than {limit_ms} ms")]
    OutOfTime {
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// It took too long altogether.
    #[error("the provider did not answer within {limit_ms} ms")]
    TimedOut {
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// It wanted too much memory.
    #[error("the provider wanted more than {limit_bytes} bytes of memory")]
    OutOfMemory {
        /// The limit, in bytes.
        limit_bytes: usize,
    },
    /// It trapped.
    #[error("the provider trapped ({kind}): {message}")]
    Trapped {
        /// In which way.
        kind: TrapKind,
        /// wasmtime's message, and what the guest last wrote to its standard
        /// error.
        message: String,
    },
    /// It returned too much.
    #[error("the provider returned {size} {unit} {place}, but the limit is {limit}")]
    OutputTooLarge {
        /// Where: `of title in event 0`.
        place: String,
        /// How much there is; `more than …` where nobody counted.
        size: String,
        /// How much is allowed.
        limit: usize,
        /// Of what: `bytes`.
        unit: &'static str,
    },
    /// It returned what the contract forbids.
    #[error("the provider broke the contract: {0}")]
    BadOutput(String),
    /// The session met an error before; its instance cannot be called again.
    #[error("the provider's instance is unusable after an error")]
    Poisoned,
    /// The operator switched the provider off.
    #[error("the provider is disabled")]
    Disabled,
    /// The provider does not have the interface.
    #[error("the provider does not export {0}")]
    NotExported(&'static str),
    /// No instance was free in time.
    #[error("no instance was free in time")]
    Busy,
    /// The host or wasmtime is at fault.
    #[error("the host could not call the provider: {0}")]
    Internal(String),
}

impl GuestError {
    /// What the provider did wrong, in figures; none where it did nothing.
    pub const fn fault(&self) -> Option<&'static str> {
        Some(match self {
            Self::OutOfTime { .. } => "out_of_time",
            Self::TimedOut { .. } => "timed_out",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::Trapped { .. } => "trapped",
            Self::OutputTooLarge { .. } => "output_too_large",
            Self::BadOutput(_) => "bad_output",
            Self::Internal(_) => "internal",
            Self::Poisoned | Self::Disabled | Self::NotExported(_) | Self::Busy => return None,
        })
    }

    /// What becomes of the delivery or the poll.
    pub fn consequence(&self) -> Consequence {
        match self {
            // A guest is a function of its input and so will most likely trap
            // again, but what surrounds it (load, a new version of it) changes.
            Self::OutOfTime { .. }
            | Self::TimedOut { .. }
            | Self::OutOfMemory { .. }
            | Self::Trapped { .. }
            | Self::Poisoned
            | Self::Busy
            | Self::Internal(_) => Consequence::Retry,
            // A person has to act: change the provider, or switch it on.
            Self::OutputTooLarge { .. }
            | Self::BadOutput(_)
            | Self::Disabled
            | Self::NotExported(_) => Consequence::Fail,
        }
    }

    /// The error without what a guest wrote, which may quote a body: for the log.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::OutOfTime { .. } => "out of time",
            Self::TimedOut { .. } => "timed out",
            Self::OutOfMemory { .. } => "out of memory",
            Self::Trapped { .. } => "trapped",
            Self::OutputTooLarge { .. } => "output too large",
            Self::BadOutput(_) => "bad output",
            Self::Poisoned => "poisoned",
            Self::Disabled => "disabled",
            Self::NotExported(_) => "not exported",
            Self::Busy => "busy",
            Self::Internal(_) => "internal",
        }
    }

    /// Makes sense of an error of wasmtime, given what the call was allowed.
    /// `stderr`: what the guest wrote last.
    pub(crate) fn classify(
        error: &wasmtime::Error,
        memory: &MemoryLimiter,
        stderr: &str,
        limits: CallLimits,
        transfer_bytes: usize,
    ) -> Self {
        let trap = error.downcast_ref::<Trap>();
        if error.is::<PoolConcurrencyLimitError>() {
            return Self::Busy;
        }
        if trap == Some(&Trap::Interrupt) {
            let limit_ms = limits.cpu_ms;
            return Self::OutOfTime { limit_ms };
        }
        let root = error.root_cause().to_string();
        if root.contains(TRANSFER_EXHAUSTED) {
            return Self::OutputTooLarge {
                place: "in one call".into(),
                size: format!("more than {transfer_bytes}"),
                limit: transfer_bytes,
                unit: "bytes",
            };
        }
        if memory.denied() {
            let limit_bytes = memory.bytes_max();
            return Self::OutOfMemory { limit_bytes };
        }
        let exited = error.is::<wasmtime_wasi::I32Exit>();
        let Some(kind) = TrapKind::of(trap, exited) else {
            return Self::Internal(bounded(&format!("{error:#}"), REASON_BYTES_MAX));
        };
        let said = if stderr.is_empty() {
            root
        } else {
            format!("{root}; it last wrote: {stderr}")
        };
        Self::Trapped {
            kind,
            message: bounded(&said, REASON_BYTES_MAX),
        }
    }
}

/// wasmtime's error for it is private, so its text has to do; a test calls a
/// guest that provokes it.
const TRANSFER_EXHAUSTED: &str = "fuel allocated for hostcalls has been exhausted";

/// How a guest trapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrapKind {
    /// A panic, an uncaught exception, an abort.
    Panic,
    /// It recursed too deeply and a guard noticed.
    StackOverflow,
    /// It left its memory. In Rust and C this is also what deep recursion ends
    /// in, because their stacks lie within that memory.
    MemoryOutOfBounds,
    /// It exited.
    Exit,
    /// Another trap of WebAssembly.
    Other,
}

impl TrapKind {
    fn of(trap: Option<&Trap>, exited: bool) -> Option<Self> {
        if exited {
            return Some(Self::Exit);
        }
        Some(match trap? {
            Trap::UnreachableCodeReached => Self::Panic,
            Trap::StackOverflow => Self::StackOverflow,
            Trap::MemoryOutOfBounds => Self::MemoryOutOfBounds,
            _ => Self::Other,
        })
    }
}

impl fmt::Display for TrapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Panic => "panic",
            Self::StackOverflow => "stack overflow",
            Self::MemoryOutOfBounds => "memory out of bounds",
            Self::Exit => "exit",
            Self::Other => "trap",
        })
    }
}

/// Why a delivery yields no events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseFailure {
    /// Not what the service sends: a dead letter.
    #[error("malformed: {0}")]
    Malformed(String),
    /// Nothing that could start a run: completed, with this outcome.
    #[error("ignored: {0}")]
    Ignored(String),
    /// The provider did not get that far; its consequence says what follows.
    #[error(transparent)]
    Guest(#[from] GuestError),
}

/// Why a poll yields no page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PollFailure {
    /// The provider says why.
    #[error(transparent)]
    Provider(#[from] PollError),
    /// The provider did not get that far; its consequence says what follows.
    /// [`GuestError::Busy`] is nobody's failure: as many polls run as may.
    #[error(transparent)]
    Guest(#[from] GuestError),
}
