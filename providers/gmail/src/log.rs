//! Lines for the operator. Neither addresses nor anything of a message belongs there.

/// Something is not as usual, and was coped with.
pub fn warn(line: &str) {
    // Only the host takes lines; natively there is none.
    #[cfg(target_family = "wasm")]
    triggerhouse_sdk::log::write(triggerhouse_sdk::log::Level::Warn, line);
    #[cfg(not(target_family = "wasm"))]
    let _ = line;
}
