//! 404 for a missing row, in one word: `store.trigger(…).await?.or_404("trigger")?`.

use super::Problem;

/// A result of the store that says whether the row exists.
pub(super) trait Found {
    /// The row, or nothing where a write says only that it found one.
    type Row;

    /// The row, or 404 naming `what`.
    ///
    /// The row of another organization is missing too: both look the same to a client.
    fn or_404(self, what: &str) -> Result<Self::Row, Problem>;
}

impl<T> Found for Option<T> {
    type Row = T;

    fn or_404(self, what: &str) -> Result<T, Problem> {
        self.ok_or_else(|| Problem::not_found(what))
    }
}

impl Found for bool {
    type Row = ();

    fn or_404(self, what: &str) -> Result<(), Problem> {
        self.then_some(()).or_404(what)
    }
}
