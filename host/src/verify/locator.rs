//! Values at the places that a description names: the sender's delivery id, the account, a
//! handshake's challenge.

use crate::domain::source::Locator;
use crate::verify::pointer::BodyValue;
use crate::verify::{HeaderValue, Request, query};
use sha2::{Digest, Sha256};

/// The longest delivery id or account that is stored as it is, in bytes.
pub const LOCATED_BYTES_MAX: usize = 512;

impl Request<'_> {
    /// The sender's id for this delivery, which identifies a redelivery.
    pub fn delivery_id(&self) -> Option<String> {
        self.first(&self.source().delivery_id).map(indexable)
    }

    /// The account to which an app-level delivery belongs.
    pub fn account(&self) -> Option<String> {
        self.first(&self.source().account).map(indexable)
    }

    fn first(&self, locators: &[Locator]) -> Option<String> {
        locators.iter().find_map(|locator| self.value_at(locator))
    }

    /// The text at a locator; none if it is missing or empty. Replaces invalid UTF-8.
    pub(super) fn value_at(&self, locator: &Locator) -> Option<String> {
        let text = match locator {
            Locator::Header(name) => match self.headers().find(name) {
                HeaderValue::Missing => return None,
                HeaderValue::One(value) | HeaderValue::Several(value) => {
                    String::from_utf8_lossy(value).into_owned()
                }
            },
            Locator::BodyPointer(pointer) => match self.body_value(pointer)? {
                BodyValue::String(text) | BodyValue::Number(text) => text.clone(),
                BodyValue::Bool(value) => value.to_string(),
                BodyValue::Null | BodyValue::Other => return None,
            },
            Locator::Query(name) => {
                let value = query::values(self.query(), name).next()?;
                String::from_utf8_lossy(&value).into_owned()
            }
        };
        (!text.is_empty()).then_some(text)
    }
}

/// The value in a form that a database can index: itself, or its digest. A truncated value
/// could equal another one, and the second delivery would be lost.
fn indexable(value: String) -> String {
    if value.len() <= LOCATED_BYTES_MAX && !value.contains('\0') {
        return value;
    }
    format!("sha256:{}", hex::encode(Sha256::digest(value.as_bytes())))
}

#[cfg(test)]
mod tests;
