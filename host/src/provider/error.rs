//! The errors of a call into a guest, and their consequence for the delivery or the poll.

use crate::domain::limits::{REASON_BYTES_MAX, bounded};
use crate::provider::limiter::MemoryLimiter;
use crate::provider::limits::CallLimits;
use std::fmt;
use wasmtime::{PoolConcurrencyLimitError, Trap};

/// The consequence of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// The delivery or poll is retried after a backoff: another attempt may succeed.
    Retry,
    /// A person has to act: another attempt would end the same. A delivery becomes a dead
    /// letter.
    Fail,
}

/// A call into a guest that returned nothing usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuestError {
    /// The guest computed for too long.
    #[error("the provider computed for more than {limit_ms} ms")]
    OutOfTime {
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// The call took too long altogether.
    #[error("the provider did not answer within {limit_ms} ms")]
    TimedOut {
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// The guest asked for too much memory.
    #[error("the provider wanted more than {limit_bytes} bytes of memory")]
    OutOfMemory {
        /// The limit, in bytes.
        limit_bytes: usize,
    },
    /// The guest trapped.
    #[error("the provider trapped ({kind}): {message}")]
    Trapped {
        /// The kind of the trap.
        kind: TrapKind,
        /// wasmtime's message, and the end of the guest's standard error.
        message: String,
    },
    /// The guest returned too much.
    #[error("the provider returned {size} {unit} {place}, but the limit is {limit}")]
    OutputTooLarge {
        /// The part that is too large: `of title in event 0`.
        place: String,
        /// Its size; `more than …` if it was not counted to the end.
        size: String,
        /// The largest size that is allowed.
        limit: usize,
        /// The unit of both: `bytes` or `events`.
        unit: &'static str,
    },
    /// The guest broke the contract.
    #[error("the provider broke the contract: {0}")]
    BadOutput(String),
    /// An earlier call failed, so the instance cannot be called again.
    #[error("the provider's instance is unusable after an error")]
    Poisoned,
    /// The operator has disabled the provider.
    #[error("the provider is disabled")]
    Disabled,
    /// The provider does not export the interface.
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
    /// The one table over all errors: a name, the consequence, and whether the guest is at
    /// fault.
    const fn traits(&self) -> (&'static str, Consequence, bool) {
        use Consequence::{Fail, Retry};
        match self {
            // A guest is a function of its input, so it will most likely trap again. But its
            // surroundings (the load, a new version of it) may change.
            Self::OutOfTime { .. } => ("out_of_time", Retry, true),
            Self::TimedOut { .. } => ("timed_out", Retry, true),
            Self::OutOfMemory { .. } => ("out_of_memory", Retry, true),
            Self::Trapped { .. } => ("trapped", Retry, true),
            Self::Internal(_) => ("internal", Retry, true),
            Self::Poisoned => ("poisoned", Retry, false),
            Self::Busy => ("busy", Retry, false),
            // A person has to act: replace the provider, or enable it.
            Self::OutputTooLarge { .. } => ("output_too_large", Fail, true),
            Self::BadOutput(_) => ("bad_output", Fail, true),
            Self::Disabled => ("disabled", Fail, false),
            Self::NotExported(_) => ("not_exported", Fail, false),
        }
    }

    /// The name of the error, for the log. Never quotes a guest, which may quote a body.
    pub const fn kind(&self) -> &'static str {
        self.traits().0
    }

    /// The consequence for the delivery or the poll.
    pub const fn consequence(&self) -> Consequence {
        self.traits().1
    }

    /// The name of the error, for `/metrics`; none if the guest was not at fault.
    pub const fn fault(&self) -> Option<&'static str> {
        match self.traits() {
            (kind, _, true) => Some(kind),
            (_, _, false) => None,
        }
    }

    /// Classifies an error of wasmtime by the limits of the call. `stderr` is the end of
    /// the guest's standard error.
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

/// wasmtime's error type for this is private, so its text identifies it. A test provokes
/// it with a real guest.
const TRANSFER_EXHAUSTED: &str = "fuel allocated for hostcalls has been exhausted";

/// The kind of a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrapKind {
    /// A panic, an uncaught exception, an abort.
    Panic,
    /// A recursion that hit a stack guard.
    StackOverflow,
    /// An access outside of the memory. Deep recursion ends here in Rust and C, whose
    /// stacks lie in that memory.
    MemoryOutOfBounds,
    /// A call of `exit`.
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
