//! The contract's limits on an event, and tighter ones for what facts keep.

/// Bytes of an event's dedup key.
pub const DEDUP_KEY_BYTES_MAX: usize = 512;
/// Bytes of an event's kind.
pub const KIND_BYTES_MAX: usize = 256;
/// Bytes of an event's title: one line of a screen. The contract allows 2,048.
pub const TITLE_BYTES_MAX: usize = 512;
/// Bytes of an event's URL.
pub const URL_BYTES_MAX: usize = 4_096;
/// Bytes of an event's actor.
pub const ACTOR_BYTES_MAX: usize = 512;
/// Bytes of an event's facts.
pub const FACTS_BYTES_MAX: usize = 262_144;
/// An event's time is below this many microseconds since 1970.
pub const TIME_US_MAX: u64 = 1 << 53;

/// Bytes of a name, title, reference or state in the facts.
pub const NAME_BYTES_MAX: usize = 1_024;
/// Bytes of a description or comment in the facts. Services allow whole books there.
pub const PROSE_BYTES_MAX: usize = 8_192;
/// Entries of a list in the facts.
pub const LIST_ITEMS_MAX: usize = 100;
