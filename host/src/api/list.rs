//! Pages of a list: `?limit=&cursor=`, newest first.

use crate::store::PageRequest;
use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use uuid::Uuid;

/// Items of a page if the request names no limit.
const LIMIT_DEFAULT: u32 = 50;
/// The most items of a page.
const LIMIT_MAX: u32 = 100;

/// The number of items of a page: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit(u32);

impl<'de> Deserialize<'de> for PageLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse() {
            Ok(limit @ 1..=LIMIT_MAX) => Ok(Self(limit)),
            _ => Err(D::Error::custom(format!(
                "expected a number from 1 to {LIMIT_MAX}, got {text:?}"
            ))),
        }
    }
}

impl PartialSchema for PageLimit {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(1))
            .maximum(Some(LIMIT_MAX))
            .default(Some(LIMIT_DEFAULT.into()))
            .into()
    }
}

impl ToSchema for PageLimit {}

/// The `next_cursor` of the previous page: the id of its last item, in 32 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(Uuid);

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let id = Some(text.as_str())
            .filter(|text| text.len() == 32)
            .and_then(|text| Uuid::try_parse(text).ok());
        id.map(Self)
            .ok_or_else(|| D::Error::custom("expected the next_cursor of the previous page"))
    }
}

impl PartialSchema for Cursor {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9a-f]{32}$"))
            .into()
    }
}

impl ToSchema for Cursor {}

/// The page that a request asks for.
pub(super) fn page(limit: Option<PageLimit>, cursor: Option<Cursor>) -> PageRequest {
    PageRequest {
        limit: limit.map_or(LIMIT_DEFAULT, |limit| limit.0),
        before: cursor.map(|cursor| cursor.0),
    }
}

/// The query of a list without filters.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The most items to return.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// The `next_cursor` of the previous page.
    #[param(inline)]
    cursor: Option<Cursor>,
}

impl PageQuery {
    pub(super) fn page(self) -> PageRequest {
        page(self.limit, self.cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::Query;

    fn query(text: &str) -> Result<PageRequest, String> {
        let uri = format!("/?{text}").parse().unwrap();
        match Query::<PageQuery>::try_from_uri(&uri) {
            Ok(Query(query)) => Ok(query.page()),
            Err(rejection) => Err(rejection.body_text()),
        }
    }

    #[test]
    fn a_page_has_from_1_to_100_items() {
        let id = Uuid::now_v7();
        assert_eq!(query("").unwrap().limit, 50);
        assert_eq!(query("limit=100").unwrap().limit, 100);
        let page = query(&format!("cursor={}&limit=1", id.simple())).unwrap();
        assert_eq!((page.limit, page.before), (1, Some(id)));
        for wrong in ["0", "101", "-1", "many", ""] {
            let error = query(&format!("limit={wrong}")).unwrap_err();
            assert!(
                error.contains("limit: expected a number from 1 to 100"),
                "{error}"
            );
        }
    }

    #[test]
    fn unknown_parameters_and_foreign_cursors_are_refused() {
        let error = query("cursor=yesterday").unwrap_err();
        assert!(
            error.contains("cursor: expected the next_cursor"),
            "{error}"
        );
        assert!(query("pages=2").is_err());
    }
}
