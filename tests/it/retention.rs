//! A running host deletes old rows.

use crate::store::{completed, packed};
use std::time::Duration;
use triggerhouse::clock;
use triggerhouse::domain::TriggerId;
use triggerhouse_tests::{TestApp, claim_deliveries, eventually, on_both};

const LEASE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

on_both! {
    async fn a_host_deletes_old_rows_only(db: &TestDb) {
        let store = db.store().await;
        let trigger = TriggerId::new();
        let batch: Vec<_> = (0..40).map(|_| packed(trigger, None)).collect();
        let ids = store.receive(&batch).await.unwrap();
        // The test settles in the past, so the deliveries must be older still.
        db.execute("update inbox set received_at = 0").await;
        claim_deliveries(&store, clock::now(), LEASE, 40).await;
        let (old, new) = (clock::now() - DAY * 8, clock::now() - DAY * 6);
        for (half, at) in ids.chunks(20).zip([old, new]) {
            let done: Vec<_> = half.iter().map(|stored| completed(stored.id, 1, vec![])).collect();
            store.settle(&done, at).await.unwrap();
        }

        let extra = "[retention]\nevery_seconds = 1\npass_rows_max = 3\npause_ms = 1";
        // Only one of two hosts deletes at a time.
        let (one, two) = (TestApp::start_with(db, extra).await, TestApp::start_with(db, extra).await);
        eventually("the deletion of old rows", async || db.number("select count(*) from inbox").await == 20).await;
        one.stop().await;
        two.stop().await;
        let kept = format!("select count(*) from inbox where processed_at = {}", new.0);
        assert_eq!(db.number(&kept).await, 20);
    }
}
