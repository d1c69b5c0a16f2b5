//! The days of the archive on Postgres.

use super::{T0, completed, delivery, org};
use std::time::Duration;
use triggerhouse::domain::delivery::Disposition;
use triggerhouse::domain::{DeliveryId, Timestamp, TriggerId};
use triggerhouse::store::{Dropped, PackedDelivery, Settlement};
use triggerhouse_tests::{Kind, TestDb, claim_deliveries};

const DAY: Duration = Duration::from_secs(86_400);
const LEASE: Duration = Duration::from_secs(60);

/// A delivery whose id is of this time.
fn of(at: Timestamp, number: u128) -> PackedDelivery {
    let milliseconds = u128::try_from(at.0 / 1_000).unwrap();
    let id = (milliseconds << 80) | (0x7 << 76) | number;
    let mut new = delivery(TriggerId::new(), None, b"{}");
    new.id = DeliveryId(uuid::Uuid::from_u128(id));
    PackedDelivery::new(new)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_day_is_dropped_and_what_somebody_may_ask_for_is_kept() {
    let db = TestDb::create(Kind::Postgres).await;
    let store = db.store().await;
    // Two days ahead, the first partition ends.
    let day = triggerhouse::clock::now() + DAY * 10;
    store.make_partitions(day).await.unwrap();
    store.make_partitions(day).await.unwrap();
    let batch: Vec<_> = (1..=4).map(|number| of(day, number)).collect();
    let ids = store.receive(&batch).await.unwrap();
    store.receive(&[of(day + DAY, 5)]).await.unwrap();
    assert_eq!(claim_deliveries(&store, T0, LEASE, 4).await.len(), 4);
    let failed = Settlement {
        disposition: Disposition::Failed { error: "x".into() },
        ..completed(ids[3].id, 1, vec![])
    };
    let done = ids[..3]
        .iter()
        .map(|stored| completed(stored.id, 1, vec![]));
    let settlements: Vec<_> = done.chain([failed]).collect();
    assert_eq!(
        store
            .settle(&settlements, T0)
            .await
            .unwrap()
            .deliveries
            .len(),
        4
    );

    let early = store.drop_partitions(day).await.unwrap();
    assert_eq!(early.kept_rows, 0);
    assert_eq!(
        db.number("select count(*) from inbox").await,
        5,
        "the day is not over"
    );
    let dropped = store.drop_partitions(day + DAY).await.unwrap();
    assert!(dropped.partitions > 0);
    assert_eq!(dropped.kept_rows, 1);
    assert_eq!(
        db.number("select count(*) from inbox").await,
        2,
        "the dead letter and the next day's"
    );
    let dead = store
        .delivery_content(&org(), ids[3].id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(dead.body.as_deref(), Some("{}"));
    let again = store.drop_partitions(day + DAY).await.unwrap();
    assert_eq!(again, Dropped::default(), "nothing is left to drop");
    assert_eq!(
        claim_deliveries(&store, T0, LEASE, 4).await.len(),
        1,
        "the next day's still waits"
    );
    store.close().await;
    db.remove().await;
}
