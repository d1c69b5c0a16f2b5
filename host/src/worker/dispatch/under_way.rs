//! How many messages are under way to each sink.

use crate::domain::SinkId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

pub(super) struct UnderWay {
    counts: Mutex<HashMap<SinkId, u32>>,
    max: u32,
    ended: Notify,
}

/// One message that is under way, until it is dropped.
pub(super) struct Place {
    of: Arc<UnderWay>,
    sink: SinkId,
}

impl UnderWay {
    pub(super) fn new(max: u32) -> Self {
        Self {
            counts: Mutex::default(),
            max,
            ended: Notify::new(),
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<SinkId, u32>> {
        // Counting up or down cannot leave anything half done.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many more messages may be sent to a sink.
    pub(super) fn room(&self, sink: SinkId) -> u32 {
        let count = self.counts().get(&sink).copied().unwrap_or(0);
        self.max.saturating_sub(count)
    }

    pub(super) fn begin(self: &Arc<Self>, sink: SinkId) -> Place {
        *self.counts().entry(sink).or_default() += 1;
        Place {
            of: Arc::clone(self),
            sink,
        }
    }

    /// Returns once a message has ended since the last return.
    pub(super) async fn ended(&self) {
        self.ended.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.of.counts();
        if let Some(count) = counts.get_mut(&self.sink) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.sink);
            }
        }
        drop(counts);
        self.of.ended.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sink_is_full_until_a_message_has_ended() {
        let (under_way, sink) = (Arc::new(UnderWay::new(2)), SinkId::new());
        let one = under_way.begin(sink);
        let _two = under_way.begin(sink);
        assert_eq!(under_way.room(sink), 0);
        assert_eq!(under_way.room(SinkId::new()), 2, "another is not");
        drop(one);
        under_way.ended().await;
        assert_eq!(under_way.room(sink), 1);
    }
}
