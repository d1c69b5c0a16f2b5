//! Limits on the values that a provider returns. Limits of a deployment (body size, queue
//! depth, attempts) are in the configuration.

/// Events of one delivery or one page.
pub const EVENTS_PER_CALL_MAX: usize = 1_000;
/// Configurations in one call of `filter.matches`.
pub const CONFIGS_PER_CALL_MAX: usize = 1_000;
/// Bytes of `dedup-key`.
pub const DEDUP_KEY_BYTES_MAX: usize = 512;
/// Bytes of `kind`.
pub const KIND_BYTES_MAX: usize = 256;
/// Bytes of `title`.
pub const TITLE_BYTES_MAX: usize = 2_048;
/// Bytes of `url`.
pub const URL_BYTES_MAX: usize = 4_096;
/// Bytes of `actor`.
pub const ACTOR_BYTES_MAX: usize = 512;
/// Bytes of `facts`.
pub const FACTS_BYTES_MAX: usize = 262_144;
/// Bytes of a cursor.
pub const CURSOR_BYTES_MAX: usize = 65_536;
/// Bytes of the result of a run.
pub const RESULT_BYTES_MAX: usize = 262_144;
/// Bytes of a stored error, reason or outcome.
pub const REASON_BYTES_MAX: usize = 2_048;

/// Makes `text` fit to be stored and shown: at most `bytes_max` bytes, truncated at the end
/// of a character, and without NUL, which Postgres cannot store.
pub fn bounded(text: &str, bytes_max: usize) -> String {
    let end = text.floor_char_boundary(bytes_max);
    text[..end].replace('\0', "\u{fffd}")
}
