//! Log lines for the operator. They contain no addresses and no parts of a message.

/// Logs a problem that the provider handled.
pub fn warn(line: &str) {
    // Only the host takes lines. Native tests have none.
    #[cfg(target_family = "wasm")]
    triggerhouse_sdk::log::write(triggerhouse_sdk::log::Level::Warn, line);
    #[cfg(not(target_family = "wasm"))]
    let _ = line;
}
