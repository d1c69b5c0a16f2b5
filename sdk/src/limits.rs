//! The contract's limits on an event, and limits that suit what services send.

/// Bytes of an event's dedup key.
pub const DEDUP_KEY_BYTES_MAX: usize = 512;
/// Bytes of an event's kind.
pub const KIND_BYTES_MAX: usize = 256;
/// Bytes of an event's title that fit on one line of a screen; the contract would
/// allow 2,048.
pub const TITLE_BYTES_MAX: usize = 512;
/// Bytes of an event's link.
pub const URL_BYTES_MAX: usize = 4_096;
/// Bytes of an event's actor.
pub const ACTOR_BYTES_MAX: usize = 512;
/// Bytes of an event's facts.
pub const FACTS_BYTES_MAX: usize = 262_144;
/// Times are below this many microseconds.
pub const TIME_US_MAX: u64 = 1 << 53;

/// Bytes that a name, title, reference or state in the facts may have.
pub const NAME_BYTES_MAX: usize = 1_024;
/// Bytes that a description or comment in the facts may have: in their services
/// these may be as long as a book.
pub const PROSE_BYTES_MAX: usize = 8_192;
/// Entries that a list in the facts may have.
pub const LIST_ITEMS_MAX: usize = 100;
