//! The levels and their order.

use schemars::JsonSchema;
use serde::Deserialize;

/// The severity of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Level {
    /// For debugging.
    Debug,
    /// Nothing is wrong.
    Info,
    /// Something may be wrong.
    Warning,
    /// Something is wrong.
    Error,
    /// The program has ended.
    Fatal,
}

impl Level {
    /// The level of this name. Sentry also has `sample`, which has no place in the order.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "debug" => Some(Self::Debug),
            "info" => Some(Self::Info),
            "warning" => Some(Self::Warning),
            "error" => Some(Self::Error),
            "fatal" => Some(Self::Fatal),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_as_sentry_orders_them() {
        let names = ["debug", "info", "warning", "error", "fatal"];
        let levels: Vec<Level> = names.iter().filter_map(|name| Level::named(name)).collect();
        assert_eq!(levels.len(), names.len());
        assert!(levels.is_sorted_by(|low, high| low < high));
        for (name, level) in names.iter().zip(levels) {
            let read: Level = serde_json::from_value(serde_json::json!(name)).unwrap();
            assert_eq!(read, level);
        }
        assert_eq!(Level::named("sample"), None);
        assert_eq!(Level::named("Error"), None);
    }
}
