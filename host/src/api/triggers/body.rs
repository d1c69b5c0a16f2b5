//! The bodies that create and change triggers, and which field belongs to which kind.

use crate::api::automations::enabled_default;
use crate::api::check::Checks;
use crate::api::extract::present;
use crate::api::values::{Name, whole};
use crate::domain::patch::Patch;
use crate::domain::resource::TriggerKind;
use crate::domain::schedule::MissedTicks;
use crate::domain::{AutomationId, IntegrationId, ScheduleId};
use TriggerKind::{Manual, Polling, Scheduled, Webhook};
use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::schema::{Schema, Type};
use utoipa::openapi::{ObjectBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// The kinds that a client can create. The first run by hand creates a manual trigger.
const CREATABLE: [TriggerKind; 3] = [Webhook, Polling, Scheduled];

const EVERY_KIND: &[TriggerKind] = &[Webhook, Polling, Scheduled, Manual];

/// Every field of [`Creation`] and [`Change`], with the kinds of trigger that have it.
pub(super) const FIELDS: [(&str, &[TriggerKind]); 12] = [
    ("automation_id", EVERY_KIND),
    ("name", EVERY_KIND),
    ("kind", EVERY_KIND),
    ("enabled", EVERY_KIND),
    ("provider", &[Webhook, Polling]),
    ("integration_id", &[Webhook, Polling]),
    ("config", &[Webhook, Polling]),
    ("poll_interval_seconds", &[Polling]),
    ("cron", &[Scheduled, Polling]),
    ("timezone", &[Scheduled, Polling]),
    ("schedule_id", &[Scheduled]),
    ("missed_ticks", &[Scheduled]),
];

whole!(/// The time between two polls: at most a week. The operator sets the least.
    PollSeconds, 1, 604_800);

impl From<u32> for PollSeconds {
    fn from(seconds: u32) -> Self {
        Self(seconds.into())
    }
}

/// A field that only some kinds have, and whether the body gives it.
type Given = (&'static str, bool);

/// Adds an error for each field that the body gives and that `kind` does not have.
pub(super) fn check_fields(checks: &mut Checks, kind: TriggerKind, given: &[Given]) {
    let has = |field: &str| {
        FIELDS
            .iter()
            .any(|(name, kinds)| *name == field && kinds.contains(&kind))
    };
    for (field, is_given) in given {
        if *is_given && !has(field) {
            checks.add(
                format!("/{field}"),
                format!("a {kind} trigger has no such field"),
            );
        }
    }
}

/// A trigger to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTrigger)]
pub(super) struct Creation {
    /// The automation to run. If absent, one with the trigger's name is created.
    pub(super) automation_id: Option<AutomationId>,
    /// A name for people: one line of 1 to 200 characters.
    pub(super) name: Name,
    /// The source of the trigger's events.
    pub(super) kind: NewTriggerKind,
    /// The provider of a webhook or polling trigger: registered and enabled.
    pub(super) provider: Option<String>,
    /// The account of a webhook or polling trigger. A webhook trigger also sees the
    /// account's deliveries; a polling trigger needs one to poll.
    pub(super) integration_id: Option<IntegrationId>,
    /// The filter of a webhook or polling trigger, by the provider's schema. If absent,
    /// `{}`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object, nullable = false, required = false)]
    pub(super) config: Option<Value>,
    /// The time between two polls of a polling trigger without a cron, in seconds. If
    /// absent, the provider's default. The shortest interval of an integration's triggers
    /// applies to all of them.
    pub(super) poll_interval_seconds: Option<PollSeconds>,
    /// When a scheduled trigger fires, or when a polling trigger polls: a cron expression
    /// as of a schedule. A scheduled trigger needs either this or `schedule_id`; a polling
    /// trigger takes either this or `poll_interval_seconds`.
    pub(super) cron: Option<String>,
    /// The IANA time zone of `cron`. If absent, UTC.
    pub(super) timezone: Option<String>,
    /// The schedule that a scheduled trigger follows, of the same automation.
    pub(super) schedule_id: Option<ScheduleId>,
    /// The policy for ticks of a scheduled trigger that were due while no host ran.
    /// If absent, `last`.
    pub(super) missed_ticks: Option<MissedTicks>,
    /// A disabled trigger gets no events.
    #[serde(default = "enabled_default")]
    #[schema(default = true)]
    pub(super) enabled: bool,
}

/// One of the kinds that a client can create. Another text is an error of the check.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct NewTriggerKind(String);

impl NewTriggerKind {
    /// The kind; none only if the check has added an error.
    pub(super) fn check(&self, checks: &mut Checks) -> Option<TriggerKind> {
        let kind = self.0.parse().ok();
        let kind = kind.filter(|kind| CREATABLE.contains(kind));
        if kind.is_none() {
            let [webhook, polling, scheduled] = CREATABLE;
            let message = format!("expected {webhook}, {polling} or {scheduled}");
            checks.add("/kind", message);
        }
        kind
    }
}

impl PartialSchema for NewTriggerKind {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(CREATABLE.map(TriggerKind::as_str)))
            .into()
    }
}

impl ToSchema for NewTriggerKind {}

impl Creation {
    /// The fields that only some kinds have.
    pub(super) fn given(&self) -> [Given; 8] {
        [
            ("provider", self.provider.is_some()),
            ("integration_id", self.integration_id.is_some()),
            ("config", self.config.is_some()),
            (
                "poll_interval_seconds",
                self.poll_interval_seconds.is_some(),
            ),
            ("cron", self.cron.is_some()),
            ("timezone", self.timezone.is_some()),
            ("schedule_id", self.schedule_id.is_some()),
            ("missed_ticks", self.missed_ticks.is_some()),
        ]
    }

    /// The filter; `{}` wants every event.
    pub(super) fn filter(&self) -> Value {
        let all = || Value::Object(serde_json::Map::new());
        self.config.clone().unwrap_or_else(all)
    }
}

/// A change of a trigger. Absent fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TriggerChange)]
pub(super) struct Change {
    /// A name for people: one line of 1 to 200 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) name: Option<Name>,
    /// The filter, by the provider's schema.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object, nullable = false, required = false)]
    pub(super) config: Option<Value>,
    /// A disabled trigger gets no events.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) enabled: Option<bool>,
    /// The account of a webhook or polling trigger. Null removes it from a webhook
    /// trigger; a polling trigger needs one.
    #[serde(default)]
    #[schema(value_type = Option<IntegrationId>)]
    pub(super) integration_id: Patch<IntegrationId>,
    /// The time between two polls, in seconds. It replaces a cron.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) poll_interval_seconds: Option<PollSeconds>,
    /// When a scheduled trigger fires, or when a polling trigger polls. It replaces a
    /// schedule or an interval.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) cron: Option<String>,
    /// The IANA time zone of the cron.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) timezone: Option<String>,
    /// The schedule that a scheduled trigger follows, of the same automation. It replaces
    /// a cron.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) schedule_id: Option<ScheduleId>,
    /// The policy for ticks of a scheduled trigger that were due while no host ran.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) missed_ticks: Option<MissedTicks>,
}

impl Change {
    /// The fields that only some kinds have.
    pub(super) fn given(&self) -> [Given; 7] {
        [
            ("integration_id", !self.integration_id.is_keep()),
            ("config", self.config.is_some()),
            (
                "poll_interval_seconds",
                self.poll_interval_seconds.is_some(),
            ),
            ("cron", self.cron.is_some()),
            ("timezone", self.timezone.is_some()),
            ("schedule_id", self.schedule_id.is_some()),
            ("missed_ticks", self.missed_ticks.is_some()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn properties<T: PartialSchema>() -> BTreeSet<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        properties.keys().cloned().collect()
    }

    fn names(given: &[Given]) -> BTreeSet<String> {
        given.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    #[test]
    fn the_table_has_exactly_the_fields_of_the_schemas() {
        let table: BTreeSet<String> = FIELDS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(table.len(), FIELDS.len(), "each field once");
        let (creation, change) = (properties::<Creation>(), properties::<Change>());
        assert_eq!(table, creation.union(&change).cloned().collect());

        let creation_given: Creation =
            serde_json::from_str(r#"{"name": "t", "kind": "webhook"}"#).unwrap();
        let change_given: Change = serde_json::from_str("{}").unwrap();
        let of_some_kinds = |name: &String| {
            FIELDS
                .iter()
                .any(|(field, kinds)| field == name && *kinds != EVERY_KIND)
        };
        for (fields, given) in [
            (creation, names(&creation_given.given())),
            (change, names(&change_given.given())),
        ] {
            let expected: BTreeSet<_> = fields.into_iter().filter(of_some_kinds).collect();
            assert_eq!(given, expected);
        }
    }
}
