//! Sections about a program's reports: events, exceptions, frames. The values of variables and
//! the data of users are never kept, because both may be secret.

use triggerhouse_sdk::facts;

/// One report of a program.
#[facts]
pub struct Event {
    /// 32 hexadecimal digits.
    pub id: Option<String>,
    pub title: Option<String>,
    /// The logged message.
    pub message: Option<String>,
    /// The place in the code: `bakery.ovens in bake`.
    pub culprit: Option<String>,
    pub url: Option<String>,
    /// `error`, `default`, `generic`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `bakery@2.4.0`.
    pub release: Option<String>,
    /// The distribution within the release.
    pub dist: Option<String>,
    /// `/checkout`.
    pub transaction: Option<String>,
    /// The logger's name.
    pub logger: Option<String>,
    /// `sentry.python.django`.
    pub sdk: Option<String>,
    /// The exception that was thrown last. The others of a chain are its causes.
    pub exception: Option<Exception>,
    /// The innermost frames first.
    pub frames: Vec<Frame>,
    /// A problem that Sentry itself found, such as a slow query.
    pub occurrence: Option<Occurrence>,
}

/// An exception.
#[facts]
pub struct Exception {
    /// `ReferenceError`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The exception's message.
    pub value: Option<String>,
    /// The module that defines the type.
    pub module: Option<String>,
    /// True if the program caught it.
    pub handled: Option<bool>,
}

/// A stack frame.
#[facts]
pub struct Frame {
    pub function: Option<String>,
    pub module: Option<String>,
    pub file: Option<String>,
    pub line: Option<i64>,
    pub column: Option<i64>,
    /// True for the program's own code, false for a library's.
    pub in_app: Option<bool>,
}

/// A problem that Sentry found without a reported error.
#[facts]
pub struct Occurrence {
    /// `Slow DB Query`.
    pub title: Option<String>,
    /// The slow query, or another detail.
    pub subtitle: Option<String>,
    /// Sentry's number for the type of problem.
    #[serde(rename = "type")]
    pub kind: Option<i64>,
}
