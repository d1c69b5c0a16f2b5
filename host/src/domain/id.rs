//! Ids: UUIDv7, with a prefix that names the kind. UUIDv7 is ordered by time of creation,
//! which keeps index writes local.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// A text that is no id of the expected kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected an id like {prefix}_{example}, got {got:?}")]
pub struct IdError {
    prefix: &'static str,
    example: &'static str,
    got: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The text before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, greater than all earlier ones of this process.
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The time in the id, to the millisecond; none if the UUID has none.
            pub fn made_at(&self) -> Option<$crate::domain::Timestamp> {
                let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
                let micros = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
                Some($crate::domain::Timestamp(micros.saturating_add(i64::from(nanos / 1_000))))
            }

            /// The age of the id, to the millisecond; zero if the UUID has no timestamp.
            pub fn age(&self, now: $crate::domain::Timestamp) -> std::time::Duration {
                let micros = self.made_at().map_or(0, |made| now.0.saturating_sub(made.0));
                std::time::Duration::from_micros(u64::try_from(micros).unwrap_or(0))
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|hex| hex.len() == 32)
                    .and_then(|hex| Uuid::try_parse(hex).ok())
                    .map(Self)
                    .ok_or_else(|| IdError {
                        prefix: $prefix,
                        example: "0192f5c0a1b27c3d8e4f5a6b7c8d9e0f",
                        got: text.chars().take(64).collect(),
                    })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "_[0-9a-f]{32}$")))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

id!(/// An automation: the thing that runs.
    AutomationId, "aut");
id!(/// An integration: a connection of an organization to an account.
    IntegrationId, "int");
id!(/// A trigger.
    TriggerId, "trg");
id!(/// A schedule: a named cron definition.
    ScheduleId, "sch");
id!(/// A poll group: an integration's polling triggers, with one cursor.
    PollGroupId, "pgr");
id!(/// A delivery: one row of the inbox.
    DeliveryId, "dlv");
id!(/// A process that holds deliveries.
    WorkerId, "wrk");
id!(/// An event.
    EventId, "evt");
id!(/// A run.
    RunId, "run");
id!(/// A message in the outbox.
    OutboxId, "out");
id!(/// A sink: the target of messages.
    SinkId, "snk");
id!(/// An API key.
    KeyId, "key");

/// The id of an organization (tenant): a slug that the operator chooses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct OrgId(String);

impl OrgId {
    /// The organization that a first start creates on an embedded database.
    pub const DEFAULT: &'static str = "default";

    /// The slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no organization id.
#[derive(Debug, thiserror::Error)]
#[error("expected an organization id of 1 to 64 characters a-z, 0-9, '-', '_', got {0:?}")]
pub struct OrgIdError(String);

impl FromStr for OrgId {
    type Err = OrgIdError;

    fn from_str(text: &str) -> Result<Self, OrgIdError> {
        let valid = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(OrgIdError(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_text_and_refuses_another_kind() {
        let id = TriggerId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(TriggerId::from(Uuid::from(id)), id);
        assert!(id.to_string().parse::<EventId>().is_err());
        assert!("trg_".parse::<TriggerId>().is_err());
        assert!(
            "trg_0192f5c0-a1b2-7c3d-8e4f-5a6b7c8d9e0f"
                .parse::<TriggerId>()
                .is_err()
        );
    }

    #[test]
    fn ids_are_ordered_by_creation() {
        let ids: Vec<_> = (0..1000).map(|_| EventId::new()).collect();
        assert!(ids.is_sorted());
    }
}
