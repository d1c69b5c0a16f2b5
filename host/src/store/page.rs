//! Lists: newest first, by id, which is ordered by creation.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The part of a list that a caller wants.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest {
    /// 1 to 100.
    pub limit: u32,
    /// Items older than this id.
    pub before: Option<Uuid>,
}

impl PageRequest {
    /// The upper end for `id < $n`; the largest UUID where there is none.
    pub(super) fn before(&self) -> Uuid {
        self.before.unwrap_or(Uuid::max())
    }

    /// One more than wanted: its presence tells that another page follows.
    pub(super) fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    pub(super) fn page<T>(&self, mut items: Vec<T>, id: impl Fn(&T) -> Uuid) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = if more {
            items.last().map(|item| id(item).simple().to_string())
        } else {
            None
        };
        Page { items, next_cursor }
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// The `cursor` of the next page; null on the last page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Converts each item.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            next_cursor: self.next_cursor,
        }
    }
}
