//! The reasons for which a request is refused: enough for a metric and a log line. They
//! quote no secret, signature or body.

/// The reason for which a request is refused. The consequence is always the same: 401, and
/// no row is written.
///
/// The variants are in the order of a scheme's checks. So of several schemes, the one that
/// got furthest explains the refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum VerifyError {
    /// The provider describes no scheme, so nothing can pass.
    #[error("the provider describes no way to verify a delivery")]
    NoScheme,
    /// No secret is configured, or only blank ones.
    #[error("no secret is configured")]
    NoSecret,
    /// The signature or token is missing.
    #[error("the signature is missing")]
    MissingSignature,
    /// A value that verification reads occurs more than once.
    #[error("a value that is verified arrived more than once")]
    Repeated,
    /// The signature or token lacks the form of the scheme.
    #[error("the signature is malformed")]
    MalformedSignature,
    /// A header that the signature covers is missing.
    #[error("a signed header is missing")]
    MissingSignedHeader,
    /// A header that the signature covers lacks the form of the scheme.
    #[error("a signed header is malformed")]
    MalformedSignedHeader,
    /// The scheme signs or requires a timestamp, and there is none.
    #[error("the timestamp is missing")]
    MissingTimestamp,
    /// The timestamp is not a number.
    #[error("the timestamp is malformed")]
    MalformedTimestamp,
    /// No secret has the form of the scheme. The operator has to act, not the sender.
    #[error("the configured secret cannot be used with this scheme")]
    UnusableSecret,
    /// No live secret yields this signature or equals this token.
    #[error("the signature is wrong")]
    WrongSignature,
    /// The signature is right but too old: a replay, or a slow clock.
    #[error("the delivery was signed {seconds} s before it was received")]
    Stale {
        /// Whole seconds between timestamp and receipt.
        seconds: u64,
    },
    /// The signature is right but from the future: a fast clock.
    #[error("the delivery was signed for {seconds} s after it was received")]
    Future {
        /// Whole seconds between receipt and timestamp.
        seconds: u64,
    },
}

impl VerifyError {
    /// A stable name for metrics.
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

    /// The progress of verification before it failed.
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
