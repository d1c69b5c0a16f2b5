//! A connection in use, and its return.

use sqlx::pool::PoolConnection;
use sqlx::{Connection, Database};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

/// A connection, with the part of the organization whose call uses it.
///
/// A caller that hangs up ends its call, not the statement that the database runs for it.
/// The part is free only when the connection is: otherwise a tenant could hold every
/// connection by hanging up.
pub(super) struct Held<D: Database> {
    /// None only in `drop`.
    connection: Option<PoolConnection<D>>,
    part: Option<OwnedSemaphorePermit>,
    /// The longest wait for a statement whose caller is gone.
    rest_max: Duration,
}

impl<D: Database> Held<D> {
    pub(super) fn new(
        connection: PoolConnection<D>,
        part: Option<OwnedSemaphorePermit>,
        rest_max: Duration,
    ) -> Self {
        Self {
            connection: Some(connection),
            part,
            rest_max,
        }
    }

    #[expect(clippy::expect_used, reason = "only `drop` takes the connection")]
    pub(super) fn connection(&mut self) -> &mut D::Connection {
        self.connection.as_deref_mut().expect("a connection")
    }

    /// Gives the connection back, or closes it if it is broken: given back, the pool would
    /// wait for its answer.
    pub(super) fn end(mut self, is_broken: bool) {
        // Nothing is left running, so `drop` waits for nothing.
        self.part = None;
        if is_broken && let Some(connection) = &mut self.connection {
            connection.close_on_drop();
        }
    }
}

impl<D: Database> Drop for Held<D> {
    fn drop(&mut self) {
        let (Some(mut connection), Some(part)) = (self.connection.take(), self.part.take()) else {
            return;
        };
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let rest_max = self.rest_max;
        runtime.spawn(async move {
            let rest = timeout(rest_max, connection.ping()).await;
            if !matches!(rest, Ok(Ok(()))) {
                connection.close_on_drop();
            }
            drop(connection);
            drop(part);
        });
    }
}
