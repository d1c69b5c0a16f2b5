//! Why a request was refused: enough for a metric and a log line, and nothing
//! that came from a secret, a signature or a body.

/// Why a request did not pass. The consequence is always the same: 401, and no
/// row is written.
///
/// The variants stand in the order in which a scheme gets past them, so that of
/// several schemes the one that came furthest explains the refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum VerifyError {
    /// The provider describes no way to verify, so nothing can pass.
    #[error("the provider describes no way to verify a delivery")]
    NoScheme,
    /// No secret is configured, or only blank ones.
    #[error("no secret is configured")]
    NoSecret,
    /// No signature or token where the scheme wants one.
    #[error("the signature is missing")]
    MissingSignature,
    /// A value that verification reads stands in the request more than once.
    #[error("a value that is verified arrived more than once")]
    Repeated,
    /// What stands there has not the form that the scheme wants.
    #[error("the signature is malformed")]
    MalformedSignature,
    /// A header that the signature covers is missing.
    #[error("a signed header is missing")]
    MissingSignedHeader,
    /// A header that the signature covers has not the form that the scheme wants.
    #[error("a signed header is malformed")]
    MalformedSignedHeader,
    /// No timestamp, though the scheme signs or requires one.
    #[error("the timestamp is missing")]
    MissingTimestamp,
    /// The timestamp is no number.
    #[error("the timestamp is malformed")]
    MalformedTimestamp,
    /// None of the secrets has the form that the scheme wants. The operator has to
    /// act, not the sender.
    #[error("the configured secret cannot be used with this scheme")]
    UnusableSecret,
    /// No live secret gives this signature, or no live secret is this token.
    #[error("the signature is wrong")]
    WrongSignature,
    /// Rightly signed, but too long ago: a replay or a slow clock.
    #[error("the delivery was signed {seconds} s before it was received")]
    Stale {
        /// Whole seconds between timestamp and receipt.
        seconds: u64,
    },
    /// Rightly signed, but for a time to come: a fast clock.
    #[error("the delivery was signed for {seconds} s after it was received")]
    Future {
        /// Whole seconds between receipt and timestamp.
        seconds: u64,
    },
}

impl VerifyError {
    /// A short name for metrics; it never changes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoScheme => "no_scheme",
            Self::NoSecret => "no_secret",
            Self::MissingSignature => "missing_signature",
            Self::Repeated => "repeated",
            Self::MalformedSignature => "malformed_signature",
            Self::MissingSignedHeader => "missing_signed_header",
            Self::MalformedSignedHeader => "malformed_signed_header",
            Self::MissingTimestamp => "missing_timestamp",
            Self::MalformedTimestamp => "malformed_timestamp",
            Self::UnusableSecret => "unusable_secret",
            Self::WrongSignature => "wrong_signature",
            Self::Stale { .. } => "stale",
            Self::Future { .. } => "future",
        }
    }

    /// How far verification came before it failed.
    pub(super) const fn progress(self) -> u8 {
        match self {
            Self::NoScheme | Self::NoSecret => 0,
            Self::MissingSignature => 1,
            Self::Repeated => 2,
            Self::MalformedSignature => 3,
            Self::MissingSignedHeader => 4,
            Self::MalformedSignedHeader => 5,
            Self::MissingTimestamp => 6,
            Self::MalformedTimestamp => 7,
            Self::UnusableSecret => 8,
            Self::WrongSignature => 9,
            Self::Stale { .. } | Self::Future { .. } => 10,
        }
    }
}
