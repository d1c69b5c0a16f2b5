//! The connections that the calls of one organization hold at the same time, so that its
//! slow queries leave some to the others.
//!
//! Owns: who calls, for as long as a request takes, and each organization's part.
//! Never does: open a connection.

use crate::domain::OrgId;
use crate::store::StoreError;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

tokio::task_local! {
    /// The organization whose request the task serves, once its key is known.
    static CALLER: OnceLock<OrgId>;
}

/// Serves one request. From [`call_is_of`] on, what it does with the database counts
/// towards its organization.
pub async fn in_call<T>(request: impl Future<Output = T>) -> T {
    CALLER.scope(OnceLock::new(), request).await
}

/// Names the organization of the request that this task serves.
pub fn call_is_of(org: &OrgId) {
    // An error means that no request is being served, or that it has named its organization.
    let _ = CALLER.try_with(|caller| caller.set(org.clone()));
}

/// The parts of all organizations.
#[derive(Debug)]
pub(super) struct Crowd {
    /// Connections of one organization.
    max: usize,
    /// The longest wait for one of them.
    wait_max: Duration,
    parts: Mutex<HashMap<OrgId, Arc<Semaphore>>>,
}

impl Crowd {
    pub(super) fn new(max: u32, wait_max: Duration) -> Arc<Self> {
        Arc::new(Self {
            max: max as usize,
            wait_max,
            parts: Mutex::default(),
        })
    }

    /// Waits until the caller may hold one more connection. None if nobody calls.
    pub(super) async fn enter(&self) -> Result<Option<OwnedSemaphorePermit>, StoreError> {
        let caller = CALLER.try_with(|caller| caller.get().cloned());
        let Ok(Some(org)) = caller else {
            return Ok(None);
        };
        let entered = self.part(org).acquire_owned();
        match tokio::time::timeout(self.wait_max, entered).await {
            // A semaphore that is closed would be an error, and nothing closes it.
            Ok(part) => Ok(part.ok()),
            Err(_) => Err(StoreError::Crowded),
        }
    }

    fn part(&self, org: OrgId) -> Arc<Semaphore> {
        // No change to the map can be left half done.
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = parts.get(&org) {
            return Arc::clone(part);
        }
        // Every caller that waits for a part, or has one, shares it.
        parts.retain(|_, part| Arc::strong_count(part) > 1);
        let part = Arc::new(Semaphore::new(self.max));
        parts.insert(org, Arc::clone(&part));
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org(name: &str) -> OrgId {
        name.parse().unwrap()
    }

    async fn enters(crowd: &Crowd, name: &str) -> Result<Option<OwnedSemaphorePermit>, StoreError> {
        in_call(async {
            call_is_of(&org(name));
            crowd.enter().await
        })
        .await
    }

    #[tokio::test]
    async fn an_organization_waits_for_its_own_calls_and_for_no_other() {
        let crowd = Crowd::new(2, Duration::from_millis(50));
        let first = enters(&crowd, "acme").await.unwrap();
        let second = enters(&crowd, "acme").await.unwrap();
        assert!(first.is_some() && second.is_some());
        let third = enters(&crowd, "acme").await;
        assert!(matches!(third, Err(StoreError::Crowded)));
        assert!(enters(&crowd, "other").await.unwrap().is_some());
        drop(first);
        assert!(enters(&crowd, "acme").await.unwrap().is_some());
        assert!(crowd.enter().await.unwrap().is_none(), "nobody calls");
        drop(second);
        enters(&crowd, "another").await.unwrap();
        assert_eq!(crowd.parts.lock().unwrap().len(), 1, "idle parts are gone");
    }
}
