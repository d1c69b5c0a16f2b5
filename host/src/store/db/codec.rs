//! Words of the domain as columns: ids as UUIDs, times as integers, states as text.
//!
//! Rows and binds use the domain's types directly. A value that the domain does not
//! accept becomes [`StoreError::Unreadable`](crate::store::StoreError::Unreadable).

use crate::domain::credential_kind::CredentialKind;
use crate::domain::delivery::Route;
use crate::domain::event::SkipReason;
use crate::domain::integration::{IntegrationStatus, StatusSetter};
use crate::domain::resource::TriggerKind;
use crate::domain::run::RunOutcome;
use crate::domain::schedule::MissedTicks;
use crate::domain::sink::SinkKind;
use crate::domain::{
    AutomationId, DeliveryId, DeliveryStatus, EventId, EventStatus, IntegrationId, KeyId, Lane,
    OrgId, OutboxId, OutboxStatus, PollGroupId, RunId, RunStatus, ScheduleId, SinkId, Timestamp,
    TriggerId, WorkerId,
};
use serde::de::DeserializeOwned;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Type};
use std::time::Duration;
use uuid::Uuid;

macro_rules! stored_inside {
    ($inner:ty: $($name:ty),+ $(,)?) => {$(
        impl<DB: Database> Type<DB> for $name
        where
            $inner: Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <$inner>::type_info()
            }

            fn compatible(column: &DB::TypeInfo) -> bool {
                <$inner>::compatible(column)
            }
        }

        impl<'q, DB: Database> Encode<'q, DB> for $name
        where
            $inner: Encode<'q, DB>,
        {
            fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                self.0.encode_by_ref(buffer)
            }
        }

        impl<'r, DB: Database> Decode<'r, DB> for $name
        where
            $inner: Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
                <$inner>::decode(value).map(Self)
            }
        }
    )+};
}

/// Types with `as_str` and `FromStr`.
macro_rules! stored_as_text {
    ($($name:ty),+ $(,)?) => {$(
        impl<DB: Database> Type<DB> for $name
        where
            str: Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <str as Type<DB>>::type_info()
            }

            fn compatible(column: &DB::TypeInfo) -> bool {
                <str as Type<DB>>::compatible(column)
            }
        }

        impl<'q, DB: Database> Encode<'q, DB> for $name
        where
            String: Encode<'q, DB>,
        {
            fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                self.as_str().to_owned().encode(buffer)
            }
        }

        impl<'r, DB: Database> Decode<'r, DB> for $name
        where
            &'r str: Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
                Ok(<&str>::decode(value)?.parse::<Self>()?)
            }
        }
    )+};
}

stored_inside!(Uuid: AutomationId, DeliveryId, EventId, IntegrationId, KeyId, Lane, OutboxId,
    PollGroupId, RunId, ScheduleId, SinkId, TriggerId, WorkerId);
stored_inside!(i64: Timestamp);
stored_as_text!(
    OrgId,
    CredentialKind,
    DeliveryStatus,
    EventStatus,
    IntegrationStatus,
    MissedTicks,
    OutboxStatus,
    Route,
    RunOutcome,
    RunStatus,
    SinkKind,
    SkipReason,
    StatusSetter,
    TriggerKind
);

/// A duration as a number of microseconds. The parameter is for the macro `row!`, which
/// names no type.
pub(in crate::store) struct Micros<T>(pub(in crate::store) T);

impl<DB: Database, T> Type<DB> for Micros<T>
where
    i64: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        i64::type_info()
    }

    fn compatible(column: &DB::TypeInfo) -> bool {
        i64::compatible(column)
    }
}

impl<'r, DB: Database> Decode<'r, DB> for Micros<Duration>
where
    i64: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(Duration::from_micros(u64::try_from(i64::decode(
            value,
        )?)?)))
    }
}

/// A column of JSON text.
pub(in crate::store) struct Json<T>(pub(in crate::store) T);

impl<DB: Database, T> Type<DB> for Json<T>
where
    str: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        <str as Type<DB>>::type_info()
    }

    fn compatible(column: &DB::TypeInfo) -> bool {
        <str as Type<DB>>::compatible(column)
    }
}

impl<'r, DB: Database, T: DeserializeOwned> Decode<'r, DB> for Json<T>
where
    &'r str: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(serde_json::from_str(<&str>::decode(value)?)?))
    }
}
