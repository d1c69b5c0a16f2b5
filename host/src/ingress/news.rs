//! News from a service about a connection or an installation: applied to the integration
//! before the request is acknowledged.

use super::answers::NewsAnswer;
use crate::clock;
use crate::http::Problem;
use crate::store::{LifecycleNews, LifecycleSubject, Store};

/// Applies the news to the integration that it concerns, if there is one.
pub(super) async fn apply(
    store: &Store,
    subject: LifecycleSubject<'_>,
    news: LifecycleNews,
) -> Result<NewsAnswer, Problem> {
    let outcome = store.apply_lifecycle(subject, &news, clock::now()).await?;
    let Some(outcome) = outcome else {
        tracing::info!(lifecycle = ?news.lifecycle, "ignored news about a connection that no integration has");
        return Ok(NewsAnswer::default());
    };
    if outcome.changed {
        tracing::info!(
            integration.id = %outcome.integration,
            org.id = %outcome.org,
            status = %outcome.status,
            "a service changed the status of an integration"
        );
    }
    Ok(NewsAnswer::of(outcome.integration, outcome.status))
}
